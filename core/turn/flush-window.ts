import { between, type EpochMs, type Milliseconds, milliseconds } from '../../config/units.ts';

/** What a deployment takes that sets no window: each is longer than the one before, since each costs a frame and a commit. */
const FIRST_MS = 60;
const LONGEST_MS = 400;
const GROWTH = 2;

/**
 * How long what a model streams is gathered before it is committed and shown. The first piece does not wait. The windows after it
 * grow, from 60 to 400 ms, and begin anew after a pause: a reader sees at once that text comes, and then a client plays it out
 * evenly (client/text-player.ts). No window is more than twice as long as the one before, so a client that plays a piece for the time
 * of the next window has little to wait for.
 */
export class FlushWindow {
  readonly #fixed: Milliseconds | undefined;
  #flushedAt: EpochMs | undefined;
  #flushes = 0;

  /** @param fixed the same for each window (`MIDTURN_FLUSH_MS`) */
  constructor(fixed: Milliseconds | undefined) {
    this.#fixed = fixed;
  }

  get #length(): Milliseconds {
    return (
      this.#fixed ?? milliseconds(Math.min(LONGEST_MS, FIRST_MS * GROWTH ** Math.max(0, this.#flushes - 1)))
    );
  }

  /** How long what was gathered waits, from now on. Not positive: it is due. */
  left(now: EpochMs): number {
    return this.#flushedAt === undefined ? 0 : this.#length - between(this.#flushedAt, now);
  }

  /** Something was committed, or nothing had to be. */
  flushed(now: EpochMs): void {
    // Nothing came for a while: what comes now is the beginning of something, to whoever reads it.
    if (this.left(now) < -LONGEST_MS) this.#flushes = 0;
    this.#flushes += 1;
    this.#flushedAt = now;
  }

  /** What comes next is not gathered: text after thoughts. */
  beginAnew(): void {
    this.#flushedAt = undefined;
    this.#flushes = 0;
  }
}
