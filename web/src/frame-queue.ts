/** Does the work that is asked for in painted frames, one part in each, so that a frame takes no longer if much is asked. */
export class FrameQueue {
  readonly #nextFrame: (run: () => void) => void;
  readonly #waiting = new Set<() => void>();
  #isAsked = false;

  constructor(nextFrame: (run: () => void) => void) {
    this.#nextFrame = nextFrame;
  }

  /** The part that was asked for last comes first: it is the lowest of the page. Returns what takes it back. */
  add(part: () => void): () => void {
    this.#waiting.add(part);
    this.#ask();
    return () => this.#waiting.delete(part);
  }

  #ask(): void {
    if (this.#isAsked || this.#waiting.size === 0) return;
    this.#isAsked = true;
    this.#nextFrame(() => {
      this.#isAsked = false;
      const part = [...this.#waiting].at(-1);
      if (part) {
        this.#waiting.delete(part);
        part();
      }
      this.#ask();
    });
  }
}
