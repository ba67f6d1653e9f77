import { type Deferred, deferred } from './deferred.ts';
import type { EventFrame } from './protocol.ts';

/**
 * The name under which `for await` looks for an iterator. Hermes, the engine of React Native, has no `Symbol.asyncIterator`. What
 * Babel compiles for it looks for this text there.
 */
const ASYNC_ITERATOR: typeof Symbol.asyncIterator = Symbol.asyncIterator ?? '@@asyncIterator';

/** A queue of events for one reader. */
export class EventStream implements AsyncIterableIterator<EventFrame> {
  readonly #kept: EventFrame[];
  readonly #left: () => void;
  #ended = false;
  #error: Error | undefined;
  #waiting: Deferred<void> | undefined;

  /** @param left called when the reader stops, for any reason */
  constructor(kept: readonly EventFrame[], left: (stream: EventStream) => void) {
    this.#kept = [...kept];
    this.#left = () => left(this);
  }

  push(event: EventFrame): void {
    this.#kept.push(event);
    this.#waiting?.resolve();
  }

  /** Ends the stream: the reader gets the queued events, then its loop ends, or throws `error`. */
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

  [ASYNC_ITERATOR](): this {
    return this;
  }
}
