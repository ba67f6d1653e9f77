import { type Deferred, deferred } from './deferred.ts';
import { ClosedError } from './errors.ts';
import { doubling, REPEAT_AFTER, RESUME_AT_MOST } from './timing.ts';

/** The one page of history that is asked for at a time, again and again until it comes. */
export class PageRequest {
  #open: { dueAt: number; attempts: number; done: Deferred<boolean> } | undefined;

  get isOpen(): boolean {
    return this.#open !== undefined;
  }

  get dueAt(): number | undefined {
    return this.#open?.dueAt;
  }

  /** Resolves to whether there is another page beyond; whoever asks meanwhile waits for the same one. */
  open(): Promise<boolean> {
    if (!this.#open) {
      this.#open = { dueAt: 0, attempts: 0, done: deferred() };
      // Whoever does not look at it shall not be troubled by an unhandled rejection.
      this.#open.done.promise.catch(() => {});
    }
    return this.#open.done.promise;
  }

  /** Whether it is to be sent now; then it is due again later. */
  takeDue(now: number): boolean {
    const request = this.#open;
    if (!request || request.dueAt > now) return false;
    request.dueAt = now + doubling(REPEAT_AFTER, request.attempts++, RESUME_AT_MOST);
    return true;
  }

  /** On a new connection, which knows nothing of what the last one was asked. */
  repeat(): void {
    if (this.#open) this.#open.dueAt = 0;
  }

  /** The page came. */
  take(): Deferred<boolean> | undefined {
    const done = this.#open?.done;
    this.#open = undefined;
    return done;
  }

  close(): void {
    this.take()?.reject(new ClosedError());
  }
}
