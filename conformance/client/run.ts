import { type Result, verdict } from '../result.ts';
import type { Case } from './case.ts';
import { play, type Subject } from './play.ts';

export interface CaseRunOptions {
  subject: Subject;
  cases: readonly Case[];
  /** Cases that run at the same time, each with a process of the client and a server of its own. */
  parallel: number;
  /** Called with each result as soon as it is known. */
  onResult?: (result: Result) => void;
}

/** Plays the cases with the client under test. Results are in the order of `cases`. */
export async function runCases({ subject, cases, parallel, onResult }: CaseRunOptions): Promise<Result[]> {
  const results = new Map<Case, Result>();
  const waiting = [...cases];
  const work = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      const result = await runCase(next, subject);
      results.set(next, result);
      onResult?.(result);
    }
  };
  await Promise.all(Array.from({ length: parallel }, work));
  return cases.flatMap((one) => results.get(one) ?? []);
}

async function runCase(rule: Case, subject: Subject): Promise<Result> {
  const start = performance.now();
  const seconds = () => (performance.now() - start) / 1000;
  try {
    await play(rule, subject);
    return { rule, outcome: 'passed', seconds: seconds() };
  } catch (error) {
    return { rule, ...verdict(error), seconds: seconds() };
  }
}
