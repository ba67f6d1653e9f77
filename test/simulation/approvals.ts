import { isDeepStrictEqual } from 'node:util';
import type { TurnEvent } from '../../core/events/events.ts';

/** What the judge must know of the cloud. */
interface Observed {
  /** The step that the history is in. */
  step(): number;
  /** What the stored session trusts. */
  trusted(): readonly string[];
  /** A deletion removes trusts and events, and a fenced worker may still run a call. */
  isDeleted(): boolean;
  violated(why: string): void;
}

/** Judges approvals: which decisions users made, and which guarded calls ran. */
export class Approvals {
  /** The devices' decisions on approval requests, as `request decision`. */
  readonly answered = new Set<string>();
  /** The decisions that were stored. */
  readonly decided = new Map<string, string>();
  readonly #observed: Observed;
  /** When each decision was stored, and each call committed, in steps. */
  readonly #decidedAt = new Map<string, number>();
  readonly #calledAt = new Map<string, number>();
  /** When the functions that revoke began, and the revocations that were answered, in steps. */
  readonly #revoking = new Map<unknown, number>();
  readonly #revocations: { from: number; by: number }[] = [];

  constructor(observed: Observed) {
    this.#observed = observed;
  }

  /** A call was committed. `key` is its turn and its id. */
  called(key: string): void {
    this.#calledAt.set(key, this.#observed.step());
  }

  /** A function begins that revokes. */
  revokes(actor: unknown): void {
    this.#revoking.set(actor, this.#observed.step());
  }

  /** A function tells a client what is trusted. */
  tells(actor: unknown): void {
    const from = this.#revoking.get(actor);
    if (from !== undefined) this.#revocations.push({ from, by: this.#observed.step() });
  }

  /** A decision is on the lane. */
  decides(request: string, decision: string): void {
    const before = this.decided.get(request);
    if (before !== undefined && before !== decision)
      this.#observed.violated(`${request} was decided ${before}, then ${decision}`);
    this.decided.set(request, decision);
    if (before === undefined) this.#decidedAt.set(request, this.#observed.step());
  }

  /**
   * A guarded call runs only as it was shown, after a user approved the call, or all calls of its tool: then not before a
   * revocation that was answered when the call was made.
   */
  runs(key: string, args: unknown, events: readonly TurnEvent[]): void {
    const shown = events.flatMap((event) =>
      event.type === 'approval_request' && `${event.turn}:${event.tool_call_id}` === key ? [event] : [],
    );
    for (const event of shown)
      if (!isDeepStrictEqual(event.arguments, args))
        this.#observed.violated(`${key} ran with other arguments than were shown`);
    const requests = shown.map((event) => event.request_id);
    const called = this.#calledAt.get(key) ?? Number.POSITIVE_INFINITY;
    const revoked = Math.max(
      -1,
      ...this.#revocations.filter(({ by }) => by < called).map(({ from }) => from),
    );
    const isKept = (request: string) => (this.#decidedAt.get(request) ?? 0) > revoked;
    const isLet = events.some(
      (event) =>
        event.type === 'approval_resolved' &&
        event.reason === 'answer' &&
        this.answered.has(`${event.request_id} ${event.decision}`) &&
        ((event.decision === 'always' && isKept(event.request_id)) ||
          (event.decision !== 'deny' && requests.includes(event.request_id))),
    );
    if (!isLet && !this.#isTrusted(isKept) && !this.#observed.isDeleted())
      this.#observed.violated(`${key} ran without an approval`);
  }

  /**
   * An `always` is in force from when the session has it (`core/session/trusts.ts`), and its event follows. In between, a worker
   * that was fenced in a pause can read it.
   */
  #isTrusted(isKept: (request: string) => boolean): boolean {
    const isAlways = (request: string) => this.answered.has(`${request} always`) && isKept(request);
    return this.#observed.trusted().length > 0 && [...this.#decidedAt.keys()].some(isAlways);
  }
}
