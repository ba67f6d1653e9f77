import { isRateLimit } from './frames.ts';
import { Missed, Skipped } from './outcome.ts';
import { type Result, verdict } from './result.ts';
import type { Check, Rule, Scenario, Watch } from './rule.ts';
import { type Recording, Server, type Target } from './server.ts';

export interface RunOptions {
  target: Target;
  rules: readonly Rule[];
  /** Scenarios that run at the same time, each in sessions of its own. */
  parallel: number;
  /** Called with each result as soon as it is known. */
  onResult?: (result: Result) => void;
}

/** Runs the rules against the server: scenarios first, then watches over their connections. Results are in the order of `rules`. */
export async function runRules({ target, rules, parallel, onResult }: RunOptions): Promise<Result[]> {
  const results = new Map<Check, Result>();
  const recordings: Recording[] = [];
  const judged = (result: Result) => {
    results.set(result.rule, result);
    onResult?.(result);
  };
  const waiting = rules.filter((rule): rule is Scenario => 'run' in rule);
  const work = async () => {
    for (let rule = waiting.shift(); rule; rule = waiting.shift()) {
      const server = new Server(target, rule.name);
      judged(await runScenario(rule, server));
      recordings.push(...server.recordings);
    }
  };
  await Promise.all(Array.from({ length: parallel }, work));
  for (const rule of rules) if ('judge' in rule) judged(judge(rule, recordings));
  return rules.flatMap((rule) => results.get(rule) ?? []);
}

/** Attempts of a scenario that misses its situation, as can happen with a fast model or a slow machine. */
const TRIES = 3;

async function runScenario(rule: Scenario, server: Server): Promise<Result> {
  const start = performance.now();
  const seconds = () => (performance.now() - start) / 1000;
  try {
    for (let tries = 1; ; tries++) {
      try {
        await rule.run(server);
        return { rule, outcome: 'passed', seconds: seconds() };
      } catch (error) {
        if (!(error instanceof Missed) || tries === TRIES) throw error;
        // A turn that still runs can keep a small server from the next try.
        await server.tidy();
      }
    }
  } catch (error) {
    const limited = server.recordings.some(({ peer }) => peer.received.some(isRateLimit));
    const cause = limited ? new Skipped('the server limits the rate of frames; try --parallel 1') : error;
    return { rule, ...verdict(cause), seconds: seconds() };
  } finally {
    await server.tidy();
  }
}

function judge(rule: Watch, recordings: readonly Recording[]): Result {
  try {
    rule.judge(recordings);
    return { rule, outcome: 'passed', seconds: 0 };
  } catch (error) {
    return { rule, ...verdict(error), seconds: 0 };
  }
}
