/**
 * How long, in virtual time, an effect may follow its cause where nothing fails and no client is slow; a take-over, where workers
 * die. About three times the longest that 331 seeds showed, of which about 90 are judged: the scheduler often lets other functions go first, and an
 * operation takes 1 to 4 ms.
 */
const LIMITS_MS = {
  /** From a word of the model to the commit that shows it: the window of 100 ms. */
  shown: 400,
  /** From an abort on the lane to the end of its turn: a look at the lane each 500 ms. */
  stopped: 1500,
  /** From a message in the inbox of a running turn to its commit: the rest of a model call, or of a tool's run of 1500 ms. */
  boundary: 4000,
  /** From a worker's start to its claim of the lane, or to its end. */
  claimed: 1000,
  /** How long a worker sets its turn down that waits for an approval: the least time. */
  setDown: 5000,
  /** From a worker's death to the claim of its lane by the next: the job is hidden for 2000 ms. */
  takenOver: 3000,
};

/** Judged where workers die, too. */
const AFTER_DEATHS: readonly Wait[] = ['takenOver'];

type Wait = keyof typeof LIMITS_MS;

/** Watches one history. */
export class Promptness {
  readonly #since = new Map<string, number>();
  readonly #longest = new Map<Wait, { ms: number; what: string }>();

  begins(wait: Wait, what: string, now: number): void {
    const key = `${wait} ${what}`;
    if (!this.#since.has(key)) this.#since.set(key, now);
  }

  /** What is waited for begins once more. Of something that did not begin, it says nothing. */
  beginsAnew(wait: Wait, what: string, now: number): void {
    const key = `${wait} ${what}`;
    if (this.#since.has(key)) this.#since.set(key, now);
  }

  /** Nobody waits for it any more. */
  forget(wait: Wait, what: string): void {
    this.#since.delete(`${wait} ${what}`);
  }

  /** Of something that did not begin, it says nothing. */
  ends(wait: Wait, what: string, now: number): void {
    const key = `${wait} ${what}`;
    const since = this.#since.get(key);
    this.#since.delete(key);
    if (since !== undefined) this.lasted(wait, what, now - since);
  }

  lasted(wait: Wait, what: string, ms: number): void {
    if (ms > (this.#longest.get(wait)?.ms ?? -1)) this.#longest.set(wait, { ms, what });
  }

  /**
   * What took too long, in words. A turn that is set down is stopped when it is looked at again, and takes in nothing.
   *
   * @param calm nothing failed, and no client was slow. Otherwise workers may have died, but none was paused.
   */
  *late({ approvals, calm }: { approvals: boolean; calm: boolean }): Generator<string> {
    for (const [wait, { ms, what }] of this.#longest) {
      if (!calm && !AFTER_DEATHS.includes(wait)) continue;
      if (approvals && wait === 'boundary') continue;
      const limit = LIMITS_MS[wait] + (approvals && wait === 'stopped' ? LIMITS_MS.setDown : 0);
      if (ms > limit) yield `${what} was ${wait} after ${ms} ms, and not within ${limit}`;
    }
  }
}
