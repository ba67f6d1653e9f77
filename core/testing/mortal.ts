/** What a function is told that dies. */
class Died extends Error {}

/** A function that can die at any of its writes, as a worker whose machine is gone. */
export interface Mortal {
  /** Called before each write. @throws when the function has died */
  beforeWrite(): void;
  /** Does the work, and dies at the write after so many. Returns whether it died: false if the work has fewer writes. */
  dyingAfter(writes: number, work: () => Promise<unknown>): Promise<boolean>;
}

export function mortal(): Mortal {
  let left = Number.POSITIVE_INFINITY;
  return {
    beforeWrite() {
      if (--left < 0) throw new Died();
    },
    async dyingAfter(writes, work) {
      left = writes;
      await work().catch((error: unknown) => {
        if (!(error instanceof Died)) throw error;
      });
      const died = left < 0;
      left = Number.POSITIVE_INFINITY;
      return died;
    },
  };
}
