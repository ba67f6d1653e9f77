import type { Platform } from '../platform.ts';

interface Entry {
  id: number;
  at: number;
  run: () => void;
}

/** More timers than any test sets for one moment. */
const MAX_RUNS_AT_ONCE = 10_000;

/** Time that passes only when told to. */
export class Clock {
  #now = 1_800_000_000_000;
  #count = 0;
  #timers: Entry[] = [];

  get now(): number {
    return this.#now;
  }

  get pending(): number {
    return this.#timers.length;
  }

  after(milliseconds: number, run: () => void): number {
    this.#count += 1;
    this.#timers.push({ id: this.#count, at: this.#now + milliseconds, run });
    return this.#count;
  }

  cancel(id: unknown): void {
    this.#timers = this.#timers.filter((timer) => timer.id !== id);
  }

  /** Lets this much time pass, and everything happen that was set for it. */
  async advance(milliseconds: number): Promise<void> {
    const end = this.#now + milliseconds;
    await settle();
    let runs = 0;
    for (let next = this.#next(end); next; next = this.#next(end)) {
      runs = next.at > this.#now ? 0 : runs + 1;
      if (runs > MAX_RUNS_AT_ONCE) throw new Error('Timers go round in circles: time does not pass.');
      this.cancel(next.id);
      this.#now = Math.max(this.#now, next.at);
      next.run();
      await settle();
    }
    this.#now = end;
  }

  #next(end: number): Entry | undefined {
    let next: Entry | undefined;
    for (const timer of this.#timers) {
      if (timer.at <= end && (!next || timer.at < next.at || (timer.at === next.at && timer.id < next.id))) {
        next = timer;
      }
    }
    return next;
  }
}

/** Lets promises that are already decided be heard. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 6; turn++) await Promise.resolve();
}

/** A platform on this clock; `wake` is the network coming back. */
export function clockPlatform(
  clock: Clock,
  { random = () => 0.5, idPrefix = 'm' }: { random?: () => number; idPrefix?: string } = {},
) {
  const pokes = new Set<() => void>();
  let ids = 0;
  const platform: Omit<Platform, 'WebSocket'> = {
    now: () => clock.now,
    setTimer: (run, milliseconds) => clock.after(milliseconds, run),
    clearTimer: (timer) => clock.cancel(timer),
    random,
    newId: () => {
      ids += 1;
      return `${idPrefix}${ids}`;
    },
    onWake: (poke) => {
      pokes.add(poke);
      return () => pokes.delete(poke);
    },
  };
  const wake = () => {
    for (const poke of pokes) poke();
  };
  return { platform, wake };
}
