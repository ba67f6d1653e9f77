import { type ChildProcess, fork } from 'node:child_process';
import { constants, setPriority } from 'node:os';
import { join } from 'node:path';
import type { HistoryOptions } from './history.ts';
import { type Kinds, kindsOf } from './kinds.ts';

const COMPILED = join(import.meta.dirname, '../../node_modules/.cache/compiled');

/** Many histories in several processes. */
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

/** The part of a campaign that one process runs. */
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
  const workers: ChildProcess[] = [];
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
    shares.map(async (share) => {
      const worker = startWorker();
      workers.push(worker);
      const outcome = await outcomeOf(worker, share);
      // One process has found a violation: stop the others.
      if (untilCaught && outcome.findings.length)
        for (const other of workers) if (other.connected) other.send('stop');
      return outcome;
    }),
  );
  return { ...outcomes.reduce(merged), seconds: (performance.now() - start) / 1000 };
}

/**
 * A process, not a thread: each mutant needs modules of its own, and Node 24.21 ended by SIGSEGV after some 160 threads
 * had come and gone in one process. Their compiled code is kept: without it, half of a mutant's time goes into compiling.
 */
function startWorker(): ChildProcess {
  const worker = fork(new URL('./campaign-worker.ts', import.meta.url), {
    execArgv: [],
    env: { ...process.env, NODE_COMPILE_CACHE: COMPILED },
    // Of `sources`, which is a map.
    serialization: 'advanced',
  });
  // In a whole test run, tests that wait for one another go first.
  if (worker.pid) setPriority(worker.pid, constants.priority.PRIORITY_LOW);
  return worker;
}

function outcomeOf(worker: ChildProcess, share: Share): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    worker.once('message', (outcome: Outcome) => resolve(outcome));
    worker.once('error', reject);
    // After its last message, which 'exit' may precede.
    worker.once('close', (code, signal) => {
      const { from, to, every } = share.seeds;
      reject(
        new Error(
          `seeds ${from} to ${to}, each ${every}th: the process ended by ${signal ?? `exit code ${code}`}`,
        ),
      );
    });
    worker.send(share);
  });
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
