/** Work that is begun at once for many tests, a few at a time, and whose outcome each test awaits. */
export interface Trials<T, R> {
  /** @throws what the item's own run threw */
  outcomeOf(item: T): Promise<R>;
  /** Resolves when all have ended, however. */
  readonly ended: Promise<void>;
}

/** @param run is told which of the places it runs at, from 0: no two run at one place at the same time */
export function beginTrials<T, R>(
  items: readonly T[],
  places: number,
  run: (item: T, place: number) => Promise<R>,
): Trials<T, R> {
  const trials = new Map(items.map((item) => [item, Promise.withResolvers<R>()]));
  // The test that awaits a trial reports its failure.
  for (const { promise } of trials.values()) promise.catch(() => {});
  const waiting = [...items];
  const work = async (place: number) => {
    for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) {
      const trial = trials.get(item);
      await run(item, place).then(trial?.resolve, trial?.reject);
    }
  };
  const ended = Promise.all(Array.from({ length: places }, (_, place) => work(place))).then(() => {});
  return {
    ended,
    outcomeOf: (item) => trials.get(item)?.promise ?? Promise.reject(new Error('There is no such trial.')),
  };
}
