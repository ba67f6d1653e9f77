import type { AbortRequest } from '../store/items.ts';
import type { AskedCall } from './model-call.ts';

/** What decides how a turn goes on. All of it is committed, or read from the lane, except `isTimeShort`. */
export interface TurnState {
  /** Nothing may follow what is committed under the turn's id. */
  needsNewId: boolean;
  /** `turn_start` is committed. */
  hasBegun: boolean;
  /** The turn was claimed too often without progress. */
  isGivenUp: boolean;
  /** Not even giving it up succeeded, or one of its events is missing. */
  isLost: boolean;
  abort: AbortRequest | undefined;
  /** Committed tool calls without a result. */
  unansweredCalls: readonly AskedCall[];
  /** Whether the session has one of the agents: not yet, or not any more. */
  agent: 'ready' | 'unchosen' | 'gone';
  /** Messages in the inbox. */
  pending: number;
  /** The last model call ended with an answer. */
  isAnswered: boolean;
  /** This invocation has no time left for more than a hand-over. */
  isTimeShort: boolean;
}

/** What a turn does next. */
export type Step =
  | { type: 'renew' }
  | { type: 'abandon' }
  | { type: 'reject-pending' }
  | { type: 'choose-agent' }
  | { type: 'apply-inbox' }
  | { type: 'end-unbegun' }
  | { type: 'end-unserved' }
  | { type: 'give-up' }
  | { type: 'abort'; request: AbortRequest }
  | { type: 'settle-calls'; calls: readonly AskedCall[] }
  | { type: 'end-answered' }
  | { type: 'hand-over' }
  | { type: 'call-model' };

/**
 * Decides how a turn goes on. It knows no more than what is committed, so that a worker that takes over in the middle
 * decides as the first one would have (P8, P11). The rules, in their order:
 *
 * 0. A turn that is lost ends by a write of which nothing of the turn is a part.
 * 1. Nothing may follow a turn's last event: what is left goes on under a new id.
 * 2. A turn that has not begun begins with its messages. If all of them were withdrawn, it ends without a trace. If it cannot
 *    begin, its messages are rejected. Of several agents, the session is given one before.
 * 3. A turn that no worker could finish is given up. It runs no tool again: a tool may be what kills its workers.
 * 4. An abort comes before anything that the turn would still do.
 * 5. A turn whose agent does not exist any more ends. It runs no tool of another one.
 * 6. Each call has its result before the next model call (P13).
 * 7. An answered turn ends, if nothing is pending.
 * 8. If time is short, a fresh invocation goes on from here.
 * 9. Pending messages are applied before every model call, whichever it is (P6).
 */
export function nextStep(state: TurnState): Step {
  // rule: lost-turn-ends
  if (state.isLost) return { type: 'abandon' };
  if (state.needsNewId) return { type: 'renew' };
  if (!state.hasBegun) {
    if (state.pending === 0) return { type: 'end-unbegun' };
    if (/* rule: turn-that-cannot-begin-ends */ state.isGivenUp) return { type: 'reject-pending' };
    return {
      type: /* rule: agent-before-messages */ state.agent === 'ready' ? 'apply-inbox' : 'choose-agent',
    };
  }
  if (/* rule: given-up-turn-runs-no-tool */ state.isGivenUp) return { type: 'give-up' };
  if (state.abort) return { type: 'abort', request: state.abort };
  if (state.agent !== 'ready') return { type: 'end-unserved' };
  if (state.unansweredCalls.length > 0) return { type: 'settle-calls', calls: state.unansweredCalls };
  if (state.isAnswered && state.pending === 0) return { type: 'end-answered' };
  if (state.isTimeShort) return { type: 'hand-over' };
  if (/* rule: steering-before-every-call */ state.pending > 0) return { type: 'apply-inbox' };
  return { type: 'call-model' };
}
