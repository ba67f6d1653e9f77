import { type Deferred, deferred } from './deferred.ts';
import { ClosedError } from './errors.ts';

/** A request for a page of history. One is open at a time. */
export class PageRequest {
  #done: Deferred<boolean> | undefined;

  get isOpen(): boolean {
    return this.#done !== undefined;
  }

  /** Opens a request, or joins the open one. Resolves to whether there are older pages. */
  open(): Promise<boolean> {
    if (!this.#done) {
      this.#done = deferred();
      // A caller that ignores the promise must not cause an unhandled rejection.
      this.#done.promise.catch(() => {});
    }
    return this.#done.promise;
  }

  /** The page arrived: closes the request and returns its promise to be resolved. */
  take(): Deferred<boolean> | undefined {
    const done = this.#done;
    this.#done = undefined;
    return done;
  }

  close(): void {
    this.take()?.reject(new ClosedError());
  }
}
