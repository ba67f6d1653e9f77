import { type Deferred, deferred } from './deferred.ts';
import { ClosedError, MessageCancelledError, MessageRejectedError } from './errors.ts';
import { isPending, type MessageState, type State, type UserItem } from './state.ts';

/** The state of a message that was passed to `send`, and a promise of its final state. */
export interface MessageProgress {
  state: MessageState;
  readonly settled: Promise<MessageState>;
}

interface Watched extends MessageProgress {
  readonly outcome: Deferred<MessageState>;
}

/** Tracks the states of messages that were passed to `send`. */
export class SentMessages {
  readonly #watched = new Map<string, Watched>();

  watch(id: string): MessageProgress {
    const outcome = deferred<MessageState>();
    // A caller that ignores the promise must not cause an unhandled rejection.
    outcome.promise.catch(() => {});
    const watched: Watched = { state: { status: 'sending' }, settled: outcome.promise, outcome };
    this.#watched.set(id, watched);
    return watched;
  }

  follow({ items }: State): void {
    for (const [id, watched] of this.#watched) {
      const item = items.findLast((one): one is UserItem => one.kind === 'user' && one.id === id);
      if (!item || item.state === watched.state) continue;
      watched.state = item.state;
      if (isPending(item)) continue;
      watched.outcome.resolve(item.state);
      // A refusal may not be final: a repeat that was in transit can still be applied.
      if (item.state.status !== 'rejected') this.#watched.delete(id);
    }
  }

  close(): void {
    for (const { outcome } of this.#watched.values()) outcome.reject(new ClosedError());
    this.#watched.clear();
  }
}

export function throwIfRefused(state: MessageState): void {
  if (state.status === 'rejected') throw new MessageRejectedError(state.code, state.message, state);
  if (state.status === 'cancelled') throw new MessageCancelledError('CANCELLED', state.reason);
}
