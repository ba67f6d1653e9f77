import { afterEach, expect, it, vi } from 'vitest';
import { oncePerFrame } from './use-store.ts';

afterEach(() => {
  vi.unstubAllGlobals();
});

/** A store whose changes the test makes. */
function givenStore() {
  const listeners = new Set<() => void>();
  return {
    listeners,
    change: () => {
      for (const listener of listeners) listener();
    },
    store: {
      getSnapshot: () => undefined,
      subscribe(listener: () => void) {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
    },
  };
}

/** Frames that are painted when the test says so. */
function givenFrames() {
  const frames = new Map<number, () => void>();
  let count = 0;
  vi.stubGlobal('requestAnimationFrame', (run: () => void) => {
    count += 1;
    frames.set(count, run);
    return count;
  });
  vi.stubGlobal('cancelAnimationFrame', (request: number) => frames.delete(request));
  return {
    frames,
    paint() {
      for (const [request, run] of [...frames]) if (frames.delete(request)) run();
    },
  };
}

it('tells the changes between two painted frames once, with the second one', () => {
  const { store, change } = givenStore();
  const { paint } = givenFrames();
  const told = vi.fn();
  const stop = oncePerFrame(store)(told);
  for (let index = 0; index < 100; index++) change();
  expect(told).not.toHaveBeenCalled();
  paint();
  paint();
  expect(told).toHaveBeenCalledTimes(1);
  change();
  paint();
  expect(told).toHaveBeenCalledTimes(2);
  stop();
});

it.each(['a page that is not visible, whose frames are not painted', 'a host without painted frames'])(
  'tells changes in %s',
  async (host) => {
    const { store, change } = givenStore();
    const frames = host.startsWith('a page') ? givenFrames().frames : new Map();
    for (const _ of [1, 2]) {
      const told = Promise.withResolvers<void>();
      const stop = oncePerFrame(store)(told.resolve);
      change();
      await told.promise;
      expect(frames.size).toBe(0);
      stop();
    }
  },
);

it('tells nothing more after its end', () => {
  const { store, change, listeners } = givenStore();
  const { frames, paint } = givenFrames();
  const told = vi.fn();
  const stop = oncePerFrame(store)(told);
  change();
  stop();
  paint();
  expect([told.mock.calls.length, frames.size, listeners.size]).toEqual([0, 0, 0]);
});
