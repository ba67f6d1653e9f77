import { readLimits, readRates, readRetention } from '../../config/settings/limits.ts';
import { readSessionSettings } from '../../config/settings/sessions.ts';
import { epochMs } from '../../config/units.ts';
import type { Core } from '../core.ts';
import type { CompactionJob, EndedTurnJob, TurnJob } from '../ports.ts';
import { noSpan } from '../tracing.ts';
import { memoryStore } from './memory-store.ts';

/**
 * A core on a table in memory, for tests, the simulation and the benches. Settings are the defaults; time stands still at 0; ids
 * count; logs and metrics go nowhere; queues and gateway refuse every call. Parts that are given replace these.
 */
export function memoryCore(parts: Partial<Core> = {}): Core {
  return {
    store: memoryStore(),
    queues: {
      sendJob: notGiven,
      sendCompaction: notGiven,
      sendEnded: notGiven,
      sendDeadline: notGiven,
      sendDeletion: notGiven,
      sendReplay: notGiven,
      sendGreeting: notGiven,
      sendFork: notGiven,
    },
    gateway: { post: notGiven, disconnect: notGiven },
    clock: { now: () => epochMs(0), sleep: async () => {} },
    newId: countingIds('id'),
    log: silentLog,
    metrics: { count() {}, countBy() {}, time() {} },
    milestones: { reached() {} },
    tracer: noSpan,
    limits: readLimits({}),
    sessionSettings: readSessionSettings({}),
    rates: readRates({}),
    retention: readRetention({}),
    ...parts,
  };
}

/** Ports that keep the frames that are posted and the jobs of the turn queue that are sent. What is sent for later is dropped. */
export function recordingPorts(): Pick<Core, 'gateway' | 'queues'> & {
  frames: Record<string, unknown>[];
  jobs: TurnJob[];
  compactions: CompactionJob[];
  ended: EndedTurnJob[];
} {
  const frames: Record<string, unknown>[] = [];
  const jobs: TurnJob[] = [];
  const compactions: CompactionJob[] = [];
  const ended: EndedTurnJob[] = [];
  return {
    frames,
    jobs,
    compactions,
    ended,
    gateway: {
      async post(_, frame) {
        frames.push(JSON.parse(frame));
        return 'sent';
      },
      disconnect: async () => 'closed',
    },
    queues: {
      sendJob: async (job) => void jobs.push(job),
      sendCompaction: async (job) => void compactions.push(job),
      sendEnded: async (job) => void ended.push(job),
      sendDeadline: async () => {},
      sendDeletion: async () => {},
      sendReplay: async () => {},
      sendGreeting: async () => {},
      sendFork: async () => {},
    },
  };
}

/** Ids that are unique within a run and the same in every run, and as long as random ones. */
export function countingIds(prefix: string): () => string {
  let count = 0;
  return () => `${prefix}${String(++count).padStart(20 - prefix.length, '0')}`;
}

const notGiven = () => Promise.reject(new Error('this port was not given to memoryCore()'));

const silentLog: Core['log'] = { info() {}, warn() {}, error() {}, with: () => silentLog };
