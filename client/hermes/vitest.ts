import './missing-globals.ts';
import {
  ASYMMETRIC_MATCHERS_OBJECT,
  chai,
  GLOBAL_EXPECT,
  JestAsymmetricMatchers,
  JestChaiExpect,
  JestExtend,
  setState,
} from '@vitest/expect';

/** What tests import as `vitest` where they run in Hermes: the same assertions, and a runner of one file after the other. */

type Body = (...values: never[]) => unknown;

const tests: { title: string; body: () => unknown }[] = [];
const groups: string[] = [];

export function describe(title: string, body: () => void): void {
  groups.push(title);
  body();
  groups.pop();
}

export function it(title: string, body: () => unknown): void {
  tests.push({ title: [...groups, title].join(' > '), body });
}
it.each =
  (table: readonly unknown[]) =>
  (title: string, body: Body): void => {
    for (const row of table) {
      const values = Array.isArray(row) ? row : [row];
      it(title.replace(/%[sj]/, String(values[0])), () => body(...(values as never[])));
    }
  };

chai.use(JestExtend);
chai.use(JestChaiExpect);
chai.use(JestAsymmetricMatchers);
const known = globalThis as unknown as Record<symbol, object>;
export const expect = Object.assign(
  (value: unknown, message?: string) => chai.expect(value, message),
  chai.expect,
  known[ASYMMETRIC_MATCHERS_OBJECT],
);
Object.defineProperty(globalThis, GLOBAL_EXPECT, { value: expect });
setState(
  { assertionCalls: 0, isExpectingAssertions: false, expectedAssertionsNumber: null },
  expect as never,
);

/** Runs what was registered. A line of JSON tells of each test: `title`, and `failure` if it failed. */
export async function runAll(print: (line: string) => void): Promise<void> {
  for (const { title, body } of tests) {
    let failure: string | undefined;
    try {
      await body();
    } catch (error) {
      failure = error instanceof Error ? `${error.name}: ${error.message}\n${error.stack}` : String(error);
    }
    print(JSON.stringify({ title, failure }));
  }
}
