import { Worker } from 'node:worker_threads';
import type { HistoryOptions } from './history.ts';
import { type Kinds, kindsOf } from './kinds.ts';

/** Many histories on several threads. */
export interface Campaign extends Kinds {
  from: number;
  count: number;
  jobs: number;
  /** Stop at the first violation. */
  untilCaught?: boolean;
  /** Source files of the product to replace, by their paths: those of a mutant. */
  sources?: ReadonlyMap<string, string>;
  /** Probabilities of faults, in place of those that the seeds decide. */
  faults?: HistoryOptions['faults'];
}

export interface Finding {
  promise: string;
  times: number;
  /** The shortest history that shows it: its seed and its steps. */
  seed: number;
  steps: number;
  why: string;
}

export interface Outcome {
  histories: number;
  steps: number;
  turns: number;
  modelCalls: number;
  seconds: number;
  injected: Record<string, number>;
  findings: Finding[];
}

/** The part of a campaign that one thread runs. */
export interface Share {
  seeds: { from: number; to: number; every: number };
  untilCaught: boolean;
  sources: ReadonlyMap<string, string>;
  faults: HistoryOptions['faults'];
  kinds: Kinds;
}

export async function runCampaign({
  from,
  count,
  jobs,
  untilCaught = false,
  sources = new Map(),
  faults,
  ...asked
}: Campaign): Promise<Outcome> {
  const start = performance.now();
  const workers: Worker[] = [];
  const shares = Array.from({ length: jobs }, (_, i): Share => {
    return {
      seeds: { from: from + i, to: from + count, every: jobs },
      untilCaught,
      sources,
      faults,
      kinds: kindsOf(asked),
    };
  });
  const outcomes = await Promise.all(
    shares.map(
      (share) =>
        new Promise<Outcome>((resolve, reject) => {
          const worker = new Worker(new URL('./campaign-worker.ts', import.meta.url), { workerData: share });
          workers.push(worker);
          worker.once('message', (outcome: Outcome) => {
            // One thread has found a violation: stop the others.
            if (untilCaught && outcome.findings.length)
              for (const other of workers) other.postMessage('stop');
            resolve(outcome);
          });
          worker.once('error', reject);
        }),
    ),
  );
  return { ...outcomes.reduce(merged), seconds: (performance.now() - start) / 1000 };
}

export const NOTHING: Outcome = {
  histories: 0,
  steps: 0,
  turns: 0,
  modelCalls: 0,
  seconds: 0,
  injected: {},
  findings: [],
};

function merged(a: Outcome, b: Outcome): Outcome {
  const injected = { ...a.injected };
  for (const [what, n] of Object.entries(b.injected)) injected[what] = (injected[what] ?? 0) + n;
  const findings = [...a.findings];
  for (const finding of b.findings) {
    const i = findings.findIndex(({ promise }) => promise === finding.promise);
    const other = findings[i];
    if (!other) findings.push(finding);
    else
      findings[i] = {
        ...(other.steps <= finding.steps ? other : finding),
        times: other.times + finding.times,
      };
  }
  return {
    histories: a.histories + b.histories,
    steps: a.steps + b.steps,
    turns: a.turns + b.turns,
    modelCalls: a.modelCalls + b.modelCalls,
    seconds: Math.max(a.seconds, b.seconds),
    injected,
    findings,
  };
}
