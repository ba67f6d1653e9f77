import { doubling, NEVER, REPEAT_AFTER, REPEAT_AT_MOST } from './timing.ts';

/** Requests whose answer can get lost. Each is repeated, with growing pauses, until it is answered. */
export class Repeats {
  readonly #made = new Map<string, { dueAt: number; attempts: number }>();
  #heldUntil = 0;

  /**
   * The frames to send now. Each is then due again later.
   *
   * @param open the unanswered requests: the frame of each, under its key
   */
  takeDue<F>(open: ReadonlyMap<string, F>, now: number): F[] {
    for (const key of this.#made.keys()) if (!open.has(key)) this.#made.delete(key);
    return [...open].flatMap(([key, frame]) => {
      const request = this.#made.get(key) ?? { dueAt: this.#heldUntil, attempts: 0 };
      this.#made.set(key, request);
      if (request.dueAt > now) return [];
      request.dueAt = now + doubling(REPEAT_AFTER, request.attempts++, REPEAT_AT_MOST);
      return [frame];
    });
  }

  /** The request was made anew: its frame is due at once. */
  renew(key: string): void {
    this.#made.delete(key);
  }

  /** `NEVER`: nothing is open. */
  get nextDue(): number {
    return Math.min(NEVER, ...[...this.#made.values()].map(({ dueAt }) => dueAt));
  }

  /** For a new connection: every request is due at once, because answers of the last connection will not arrive. */
  startOver(): void {
    this.#made.clear();
  }

  /** Sends no request before this time, because the server refused for its rate. Those that are open then are due then. */
  hold(until: number): void {
    this.#heldUntil = Math.max(this.#heldUntil, until);
    for (const request of this.#made.values()) request.dueAt = this.#heldUntil;
  }
}
