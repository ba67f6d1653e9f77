import { setImmediate } from 'node:timers/promises';
import type { Platform } from '../platform.ts';

interface Entry {
  id: number;
  at: number;
  run: () => void;
}

/** More timers than any test sets for one moment; beyond it, a test loops. */
const MAX_RUNS_AT_ONCE = 10_000;

/** A clock whose time passes only when a test advances it. */
export class Clock {
  #now = 1_800_000_000_000;
  #count = 0;
  /** A binary heap, the next timer first. Cancelled timers stay in it until their time comes. */
  readonly #heap: Entry[] = [];
  readonly #waiting = new Set<number>();

  get now(): number {
    return this.#now;
  }

  get pending(): number {
    return this.#waiting.size;
  }

  after(milliseconds: number, run: () => void): number {
    this.#count += 1;
    this.#waiting.add(this.#count);
    push(this.#heap, { id: this.#count, at: this.#now + milliseconds, run });
    return this.#count;
  }

  cancel(id: unknown): void {
    if (typeof id === 'number') this.#waiting.delete(id);
  }

  /** Advances the time by this many milliseconds and runs every timer that falls due. */
  async advance(milliseconds: number): Promise<void> {
    const end = this.#now + milliseconds;
    await settle();
    let runs = 0;
    for (let next = this.#next(end); next; next = this.#next(end)) {
      runs = next.at > this.#now ? 0 : runs + 1;
      if (runs > MAX_RUNS_AT_ONCE) throw new Error('Timers go round in circles: time does not pass.');
      this.#now = Math.max(this.#now, next.at);
      next.run();
      await settle();
    }
    this.#now = end;
    // Also lets long chains of promises finish, such as readers of a burst of events.
    await setImmediate();
  }

  #next(end: number): Entry | undefined {
    for (let first = this.#heap[0]; first && first.at <= end; first = this.#heap[0]) {
      pop(this.#heap);
      if (this.#waiting.delete(first.id)) return first;
    }
    return undefined;
  }
}

const isBefore = (a: Entry, b: Entry): boolean => a.at < b.at || (a.at === b.at && a.id < b.id);

function push(heap: Entry[], entry: Entry): void {
  let at = heap.length;
  while (at > 0) {
    const above = (at - 1) >> 1;
    const parent = heap[above];
    if (!parent || !isBefore(entry, parent)) break;
    heap[at] = parent;
    at = above;
  }
  heap[at] = entry;
}

function pop(heap: Entry[]): void {
  const last = heap.pop();
  if (!last || heap.length === 0) return;
  let at = 0;
  for (;;) {
    const left = heap[2 * at + 1];
    const right = heap[2 * at + 2];
    const isRight = left !== undefined && right !== undefined && isBefore(right, left);
    const least = isRight ? right : left;
    if (!least || !isBefore(least, last)) break;
    heap[at] = least;
    at = 2 * at + (isRight ? 2 : 1);
  }
  heap[at] = last;
}

/** Lets the handlers of settled promises run. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 6; turn++) await undefined;
}

/** A platform on this clock. `wake` signals that the network is back; `listeners` counts who waits for that. */
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
  return { platform, wake, listeners: () => pokes.size };
}
