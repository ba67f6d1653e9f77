import type { MessageState } from '../../client/index.ts';
import { budgetNote } from './budget-note.ts';

/** Describes a message's state briefly. Undefined: there is nothing to say. */
export function messageNote(state: MessageState): string | undefined {
  switch (state.status) {
    case 'sending':
      return 'Sending…';
    case 'accepted':
      return state.placement === 'steering' ? 'Accepted · steers at the next step' : 'Accepted';
    case 'queued':
      return state.position > 0 ? `Queued · ${state.position} ahead` : 'Queued · next turn';
    case 'applied':
      // The first step says nothing: each answer has one.
      return state.step === undefined || state.step === 1 ? undefined : `Taken in at step ${state.step}`;
    case 'cancelled':
      return 'Withdrawn';
    case 'rejected':
      return `Not taken: ${state.code === 'BUDGET_EXCEEDED' ? budgetNote(state.until) : (REASONS[state.code] ?? state.message)}`;
  }
}

const REASONS: Partial<Record<Extract<MessageState, { status: 'rejected' }>['code'], string>> = {
  STEERING_QUEUE_FULL: 'too many messages are waiting',
  SESSION_QUEUE_FULL: 'too many turns are waiting',
  SESSION_QUEUE_TIMEOUT: 'its turn did not come in time',
  TOO_MANY_TURNS: 'too many turns of yours run or wait in all sessions; try again in a moment',
  MESSAGE_TOO_LARGE: 'it is too long',
  RATE_LIMITED: 'too many messages at once',
  LANE_LOST: 'the connection was lost, and it may not have arrived',
};
