import { type Milliseconds, milliseconds } from '../config/units.ts';

export interface MemoizedOptions {
  /** Age after which the next call makes a new value. Default: never. */
  forMs?: Milliseconds;
  now?: () => number;
}

/** Calls `make` once and returns its promise to every caller. After a rejection, the next call tries again. */
export function memoized<T>(
  make: () => Promise<T>,
  { forMs = milliseconds(Number.POSITIVE_INFINITY), now = Date.now }: MemoizedOptions = {},
): () => Promise<T> {
  let made: { thing: Promise<T>; at: number } | undefined;
  return () => {
    if (made && now() - made.at < forMs) return made.thing;
    const making = { thing: make(), at: now() };
    made = making;
    making.thing.catch(() => {
      if (made === making) made = undefined;
    });
    return making.thing;
  };
}
