import { doubling, REPEAT_AFTER, REPEAT_AT_MOST } from './timing.ts';

/** Requests whose answer may get lost: each is made again, ever more rarely, until it is answered. */
export class Repeats {
  readonly #made = new Map<string, { dueAt: number; attempts: number }>();
  #heldUntil = 0;

  /** Those of `open`, the unanswered ones, that are to be made now. Each of them is due again later. */
  takeDue(open: readonly string[], now: number): string[] {
    for (const key of this.#made.keys()) if (!open.includes(key)) this.#made.delete(key);
    return open.filter((key) => {
      const request = this.#made.get(key) ?? { dueAt: 0, attempts: 0 };
      if (Math.max(request.dueAt, this.#heldUntil) > now) return false;
      request.dueAt = now + doubling(REPEAT_AFTER, request.attempts++, REPEAT_AT_MOST);
      this.#made.set(key, request);
      return true;
    });
  }

  get nextDue(): number | undefined {
    if (this.#made.size === 0) return undefined;
    const next = Math.min(...[...this.#made.values()].map(({ dueAt }) => dueAt));
    return Math.max(next, this.#heldUntil);
  }

  /** All of them are due at once, since a new connection knows nothing of what the last one was asked. */
  startOver(): void {
    this.#made.clear();
  }

  /** Nothing is asked for before this time, since the server said so; what it refused is due then. */
  hold(until: number): void {
    this.#heldUntil = until;
    for (const request of this.#made.values()) request.dueAt = until;
  }
}
