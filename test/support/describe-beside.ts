import { describe } from 'vitest';

/**
 * A `describe` with a stack of its own that runs beside those next to it: one waits for a visibility time or a provider's pause
 * while another one works. At most two run at the same time (`maxConcurrency` in vitest.config.ts). Its tests run one
 * after the other.
 *
 * A test that calls `expect.poll` takes `expect` from its context: Vitest knows of one current test only.
 */
export function describeBeside(name: string, tests: () => void): void {
  describe('beside others', { concurrent: true }, () => {
    describe(name, { concurrent: false }, tests);
  });
}

/** The same for each case, with the same tests. */
export function describeEachBeside<Case extends { name: string }>(
  cases: readonly Case[],
  tests: (one: Case) => void,
): void {
  for (const one of cases) describeBeside(one.name, () => tests(one));
}
