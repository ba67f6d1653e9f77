import { byId, idsOf } from '../../ids.ts';
import type { Lane } from '../items.ts';
import type { Update } from '../update.ts';
import { equals, exists, remove, set, sizeIs } from '../update.ts';
import { clearTurn, messagesAsRead } from './after-turn.ts';
import { undeliveredOutcome } from './withdraw.ts';

/**
 * Closes a lane whose session is being deleted. It releases the lease, withdraws every pending message with
 * `SESSION_DELETED`, and appends the terminal event of a running turn (`seq`, `unspilled`).
 *
 * The writer recognises its own success by `isClosed`. Repeating the write changes nothing.
 */
export function close(lane: Lane, seq: number, unspilled: readonly string[]): Update<Lane> {
  const gone = byId({ ...lane.inbox, ...lane.waiting });
  return {
    when: [
      // rule: close-needs-seq
      equals('seq', lane.seq),
      ...messagesAsRead(lane),
      ...idsOf(lane.waiting).map((id) => exists<Lane>(['waiting', id])),
      sizeIs('waiting', Object.keys(lane.waiting).length),
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
      ...gone.map(([id, message]) =>
        set<Lane>(['undelivered', id], undeliveredOutcome(message, 'SESSION_DELETED')),
      ),
      set('seq', seq),
      set('unspilled', unspilled),
    ],
  };
}
