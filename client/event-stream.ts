import { type Deferred, deferred } from './deferred.ts';
import type { EventFrame } from './protocol.ts';

/** Events for one reader, kept until they are read. */
export class EventStream implements AsyncIterableIterator<EventFrame> {
  readonly #kept: EventFrame[];
  readonly #left: () => void;
  #ended = false;
  #error: Error | undefined;
  #waiting: Deferred<void> | undefined;

  /** `left` is called when the reader stops, however it does. */
  constructor(kept: readonly EventFrame[], left: (stream: EventStream) => void) {
    this.#kept = [...kept];
    this.#left = () => left(this);
  }

  push(event: EventFrame): void {
    this.#kept.push(event);
    this.#waiting?.resolve();
  }

  /** What is kept can still be read; then the reader's loop ends, or throws `error`. */
  end(error?: Error): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#error = error;
    this.#waiting?.resolve();
  }

  async next(): Promise<IteratorResult<EventFrame>> {
    for (;;) {
      const event = this.#kept.shift();
      if (event) return { done: false, value: event };
      if (this.#ended) {
        this.#left();
        if (this.#error) throw this.#error;
        return { done: true, value: undefined };
      }
      this.#waiting = deferred<void>();
      await this.#waiting.promise;
    }
  }

  async return(): Promise<IteratorResult<EventFrame>> {
    this.end();
    this.#kept.length = 0;
    this.#left();
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
