import { setImmediate as nextTick } from 'node:timers/promises';
import { type EpochMs, epochMs } from '../../config/units.ts';
import type { Clock } from '../ports.ts';

/** How often all that runs may go on before it counts as waiting. */
const TICKS = 10;

export interface VirtualClock extends Clock {
  /** Sleeps that have neither ended nor been cut short by their signals. */
  readonly sleeping: number;
}

/** A clock whose time passes only while all that runs sleeps: it is then the time at which the first one wakes. */
export function virtualClock(began: EpochMs = epochMs(1_800_000_000_000)): VirtualClock {
  let now = began;
  let isRunning = false;
  const sleepers = new Set<{ until: EpochMs; wake: () => void }>();
  const run = async () => {
    while (sleepers.size > 0) {
      for (let ticks = 0; ticks < TICKS; ticks++) await nextTick();
      const [first] = [...sleepers].toSorted((one, other) => one.until - other.until);
      if (!first) break;
      now = epochMs(Math.max(now, first.until));
      first.wake();
    }
    isRunning = false;
  };
  return {
    get sleeping() {
      return sleepers.size;
    },
    now: () => now,
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted) return resolve();
        const wake = () => {
          sleepers.delete(sleeper);
          signal?.removeEventListener('abort', wake);
          resolve();
        };
        const sleeper = { until: epochMs(now + ms), wake };
        sleepers.add(sleeper);
        signal?.addEventListener('abort', wake);
        if (isRunning) return;
        isRunning = true;
        void run();
      }),
  };
}
