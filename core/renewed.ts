import { type Milliseconds, milliseconds } from '../config/units.ts';
import type { Clock } from './ports.ts';

/** How long the last value stands in while no newer one can be read, unless the renewal says otherwise. Then callers get the error. */
export const KEPT_MS = milliseconds(3_600_000);
/** How long a caller waits for a newer value while there is a last one. */
export const WAIT_MS = milliseconds(1000);
/** After a read that failed, callers get the last value for this time without waiting again. */
export const RETRY_MS = milliseconds(30_000);

export interface Renewal<Source, Thing> {
  read(): Promise<Source>;
  /** Makes what callers get. Called only if what was read has changed. */
  make(source: Source): Thing | Promise<Thing>;
  /** A value of this age is read again by the next caller. */
  freshMs: Milliseconds;
  /** Default: an hour. */
  keptMs?: Milliseconds;
  clock: Clock;
  /** Told if a newer value could not be had, and the last one stays in use. */
  keptLast(error: unknown): void | Promise<void>;
}

/**
 * A value that another system keeps and changes: a secret, and what is made of it.
 *
 * A caller waits for the renewal, because a function that answers first and reads afterwards is frozen before it has read.
 * If the other system does not answer or the new value cannot be used, callers get the last one, for `keptMs` at most. A caller
 * that needs a newer value than others do names the age from which it is read again.
 */
export function renewed<Source, Thing>(
  options: Renewal<Source, Thing>,
): (freshMs?: Milliseconds) => Promise<Thing> {
  const { read, make, keptMs = KEPT_MS, clock, keptLast } = options;
  let last: { source: Source; thing: Thing; readAt: number } | undefined;
  let renewal: { done: Promise<Thing>; since: number } | undefined;
  let failedAt = Number.NEGATIVE_INFINITY;

  const isKept = () => last !== undefined && clock.now() - last.readAt < keptMs;

  async function renew(since: number): Promise<Thing> {
    try {
      const source = await read();
      const thing = last && last.source === source ? last.thing : await make(source);
      last = { source, thing, readAt: since };
      return thing;
    } catch (error) {
      failedAt = clock.now();
      if (isKept()) await keptLast(error);
      throw error;
    } finally {
      renewal = undefined;
    }
  }

  return async (freshMs = options.freshMs) => {
    const now = clock.now();
    if (last && now - last.readAt < freshMs) return last.thing;
    const kept = isKept() ? last : undefined;
    if (kept && now - failedAt < RETRY_MS) return kept.thing;
    renewal ??= { done: renew(now), since: now };
    if (!kept) return renewal.done;
    const newer = renewal.done.catch(() => kept.thing);
    return (await within(milliseconds(renewal.since + WAIT_MS - now), newer, clock)) ?? kept.thing;
  };
}

/** The value, or undefined if it is not there after `duration`. */
async function within<T>(duration: Milliseconds, value: Promise<T>, clock: Clock): Promise<T | undefined> {
  const decided = new AbortController();
  try {
    return await Promise.race([value, clock.sleep(duration, decided.signal).then(() => undefined)]);
  } finally {
    decided.abort();
  }
}
