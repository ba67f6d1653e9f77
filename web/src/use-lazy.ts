import { useEffect, useState } from 'react';

/** A part of the page that is loaded when it is needed first. */
export interface Lazy<T> {
  /** Undefined until it is loaded. */
  current: T | undefined;
  load: () => Promise<T>;
}

export function lazy<T>(load: () => Promise<T>): Lazy<T> {
  let loading: Promise<T> | undefined;
  const part: Lazy<T> = {
    current: undefined,
    load: () => {
      loading ??= load().then(
        (loaded) => {
          part.current = loaded;
          return loaded;
        },
        (error: unknown) => {
          // The network may be back the next time.
          loading = undefined;
          throw error;
        },
      );
      return loading;
    },
  };
  return part;
}

/** The part, once it is loaded. A part that cannot be loaded is left out, and asked for again by the next component that needs it. */
export function useLazy<T>(part: Lazy<T>, isNeeded: boolean): T | undefined {
  const [, setLoaded] = useState(part.current !== undefined);
  useEffect(() => {
    if (!isNeeded || part.current !== undefined) return;
    let isMounted = true;
    part.load().then(
      () => isMounted && setLoaded(true),
      (error: unknown) => console.warn('a part of the page could not be loaded', error),
    );
    return () => {
      isMounted = false;
    };
  }, [part, isNeeded]);
  return isNeeded ? part.current : undefined;
}
