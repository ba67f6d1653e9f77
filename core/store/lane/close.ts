import { byId } from '../../ids.ts';
import type { Lane } from '../items.ts';
import type { Update } from '../update.ts';
import { equals, remove, set } from '../update.ts';
import { clearTurn, messagesAsRead, waitingAsRead, withOutcomes } from './after-turn.ts';
import { undeliveredOutcome } from './withdraw.ts';

/**
 * Closes a lane whose session is being deleted. It releases the lease, withdraws every pending message with
 * `SESSION_DELETED`, and appends the terminal event of a running turn (`seq`, `unspilled`).
 *
 * The writer recognises its own success by `isClosed`. Repeating the write changes nothing.
 */
export function close(lane: Lane, seq: number, unspilled: readonly string[]): Update<Lane> {
  const gone = byId({ ...lane.inbox, ...lane.waiting });
  const outcomes = withOutcomes(
    lane,
    gone.map(([id, message]) => [id, undeliveredOutcome(message, 'SESSION_DELETED')]),
  );
  return {
    when: [
      // rule: close-needs-seq
      equals('seq', lane.seq),
      ...messagesAsRead(lane),
      waitingAsRead(lane),
      ...outcomes.when,
    ],
    change: [
      ...clearTurn,
      remove('turn'),
      remove('slot'),
      remove('since'),
      set('inbox', {}),
      set('waiting', {}),
      set('bytes', 0),
      // rule: deletion-reports-pending-messages
      ...outcomes.change,
      set('seq', seq),
      set('unspilled', unspilled),
    ],
  };
}
