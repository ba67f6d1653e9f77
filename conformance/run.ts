import { isRateLimit } from './frames.ts';
import { Broken, Missed, Skipped } from './outcome.ts';
import type { Rule, Scenario, Watch } from './rule.ts';
import { type Recording, Server, type Target } from './server.ts';

export interface Result {
  rule: Rule;
  outcome: 'passed' | 'failed' | 'skipped';
  /** Why it failed or was skipped, in one line. */
  reason?: string;
  seconds: number;
}

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
  const results = new Map<Rule, Result>();
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

function verdict(error: unknown): { outcome: 'failed' | 'skipped'; reason: string } {
  if (error instanceof Skipped) return { outcome: 'skipped', reason: error.message };
  if (error instanceof Broken) return { outcome: 'failed', reason: error.message };
  // The server closed the connection or refused a handshake, or the kit has a fault: the rule did not pass.
  return { outcome: 'failed', reason: error instanceof Error ? error.message : String(error) };
}
