import { Broken } from '../outcome.ts';

/** Something that others wait for: each change wakes those who wait, and they look again. */
export class Changes {
  readonly #timeoutMs: number;
  readonly #looks = new Set<() => void>();

  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs;
  }

  happened(): void {
    for (const look of [...this.#looks]) look();
  }

  /**
   * Resolves with the first value that `find` gives.
   *
   * @param find looks now and after each change; what it throws ends the wait
   * @param missing says, when the time is over, what did not come
   * @throws {Broken} when the time is over
   */
  until<T>(find: () => T | undefined, missing: () => string): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const look = (): void => {
      try {
        const found = find();
        if (found !== undefined) resolve(found);
      } catch (error) {
        reject(error);
      }
    };
    const timer = setTimeout(() => reject(new Broken(missing())), this.#timeoutMs);
    this.#looks.add(look);
    look();
    return promise.finally(() => {
      clearTimeout(timer);
      this.#looks.delete(look);
    });
  }
}
