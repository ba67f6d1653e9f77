import { useMemo, useSyncExternalStore } from 'react';

interface Store<T> {
  subscribe(listener: () => void): () => void;
  getSnapshot(): T;
}

/** Reads an external store at most once per painted frame: a replay makes hundreds of changes at once. */
export function useFrameStore<T>(store: Store<T>): T {
  const subscribe = useMemo(() => oncePerFrame(store), [store]);
  return useSyncExternalStore(subscribe, store.getSnapshot);
}

function oncePerFrame(store: Store<unknown>) {
  return (listener: () => void): (() => void) => {
    let request: number | undefined;
    const stop = store.subscribe(() => {
      request ??= requestAnimationFrame(() => {
        request = undefined;
        listener();
      });
    });
    return () => {
      if (request !== undefined) cancelAnimationFrame(request);
      stop();
    };
  };
}
