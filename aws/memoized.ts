export interface Remembering {
  /** After so many milliseconds it is made anew. Default: never. */
  forMs?: number;
  now?: () => number;
}

/** Makes a thing once and gives it to everybody; what failed is made anew for the next who asks. */
export function remembered<T>(
  make: () => Promise<T>,
  { forMs = Number.POSITIVE_INFINITY, now = Date.now }: Remembering = {},
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
