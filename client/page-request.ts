import { type Deferred, deferred } from './deferred.ts';
import { ClosedError } from './errors.ts';
import { doubling, REPEAT_AFTER, RESUME_AT_MOST } from './timing.ts';

/** A request for a page of history. One is open at a time; it is repeated until the page arrives. */
export class PageRequest {
  #open: { dueAt: number; attempts: number; done: Deferred<boolean> } | undefined;

  get isOpen(): boolean {
    return this.#open !== undefined;
  }

  get dueAt(): number | undefined {
    return this.#open?.dueAt;
  }

  /** Opens a request, or joins the open one. Resolves to whether there are older pages. */
  open(): Promise<boolean> {
    if (!this.#open) {
      this.#open = { dueAt: 0, attempts: 0, done: deferred() };
      // A caller that ignores the promise must not cause an unhandled rejection.
      this.#open.done.promise.catch(() => {});
    }
    return this.#open.done.promise;
  }

  /** Returns whether to send the request now. It is then due again later. */
  takeDue(now: number): boolean {
    const request = this.#open;
    if (!request || request.dueAt > now) return false;
    request.dueAt = now + doubling(REPEAT_AFTER, request.attempts++, RESUME_AT_MOST);
    return true;
  }

  /** For a new connection: the request is due at once, because the last connection's answer will not arrive. */
  repeat(): void {
    if (this.#open) this.#open.dueAt = 0;
  }

  /** The page arrived: closes the request and returns its promise to be resolved. */
  take(): Deferred<boolean> | undefined {
    const done = this.#open?.done;
    this.#open = undefined;
    return done;
  }

  close(): void {
    this.take()?.reject(new ClosedError());
  }
}
