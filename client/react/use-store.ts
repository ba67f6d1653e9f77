import { useMemo, useSyncExternalStore } from 'react';

/** What changes and tells so: a chat's `transcript`, or one of the page's own. */
export interface Store<T> {
  subscribe(listener: () => void): () => void;
  /** The same value until something changes. */
  getSnapshot(): T;
}

/** A page that is not visible paints no frame. Browsers call its timers once a second at most. */
const UNPAINTED_MS = 100;
/** For hosts without painted frames, such as a terminal. */
const FRAME_MS = 16;

/**
 * The store's value, read at most once per painted frame: a replay makes hundreds of changes at once. As React's
 * `useSyncExternalStore` otherwise.
 */
export function useStore<T>(store: Store<T>): T {
  const subscribe = useMemo(() => oncePerFrame(store), [store]);
  return useSyncExternalStore(subscribe, store.getSnapshot, store.getSnapshot);
}

export function oncePerFrame(store: Store<unknown>) {
  return (listener: () => void): (() => void) => {
    let cancel: (() => void) | undefined;
    const stop = store.subscribe(() => {
      cancel ??= onNextFrame(() => {
        cancel = undefined;
        listener();
      });
    });
    return () => {
      cancel?.();
      stop();
    };
  };
}

/** Returns a function that cancels it. */
function onNextFrame(run: () => void): () => void {
  const { requestAnimationFrame, cancelAnimationFrame } = globalThis;
  const paints = typeof requestAnimationFrame === 'function';
  const request = paints ? requestAnimationFrame(frame) : undefined;
  const timer = setTimeout(frame, paints ? UNPAINTED_MS : FRAME_MS);
  function cancel() {
    clearTimeout(timer);
    if (request !== undefined) cancelAnimationFrame(request);
  }
  function frame() {
    cancel();
    run();
  }
  return cancel;
}
