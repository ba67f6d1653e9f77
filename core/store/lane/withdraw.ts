import type { EpochMs, EpochSeconds } from '../../../config/units.ts';
import { byId, type MessageId, type SessionKey, type SlotId } from '../../ids.ts';
import type { Lane, PendingMessage, UndeliveredOutcome, Withdrawal, WithdrawalCode } from '../items.ts';
import type { Update } from '../update.ts';
import { absent, add, equals, exists, remove, set } from '../update.ts';
import { afterTurn, messagesAsRead, withOutcomes } from './after-turn.ts';
import { contentBytes } from './lane.ts';

export const undeliveredOutcome = (
  { from }: PendingMessage,
  code: WithdrawalCode,
  { path, until }: Omit<Withdrawal, 'code'> = {},
): UndeliveredOutcome => ({
  code,
  ...(path !== undefined && { path }),
  ...(until !== undefined && { until }),
  ...(from && { from }),
});

/**
 * Withdraws a message that no turn has applied. It demands the message in its place, and a boundary removes messages by
 * id too, so exactly one of the two succeeds. The outcome stays in `undelivered` until the sender received it. The writer
 * recognises its own success by that outcome.
 */
export const withdrawPending = (
  session: SessionKey,
  place: 'inbox' | 'waiting',
  id: MessageId,
  message: PendingMessage,
): Update<Lane> => ({
  when: [equals('session', session), exists([place, id])],
  change: [
    // rule: withdrawn-message-leaves-lane
    remove([place, id]),
    // rule: withdrawn-message-gives-its-bytes-back
    add('bytes', -contentBytes(message)),
    // rule: outcome-kept-until-received
    set(['undelivered', id], undeliveredOutcome(message, 'cancelled')),
    set(['ids', id], 1),
  ],
});

/**
 * Rejects a turn that no worker has claimed (queue full, waiting time over), with all its messages (P2). It demands that
 * the lane has no lease, so a turn that began is never rejected. The writer recognises its own success by `undelivered`.
 */
export function rejectUnclaimed(
  lane: Lane,
  slot: SlotId,
  code: WithdrawalCode,
  now: EpochMs,
  expires: EpochSeconds,
): Update<Lane> {
  const gone = byId(lane.inbox);
  const outcomes = withOutcomes(
    lane,
    gone.map(([id, message]) => [id, undeliveredOutcome(message, code)]),
  );
  const next = afterTurn(lane, now, expires);
  return {
    when: [
      equals('slot', slot),
      equals('turn', slot),
      // rule: rejected-turn-has-no-worker
      absent('lease'),
      // rule: reject-needs-inbox-as-read
      ...messagesAsRead(lane),
      // A late request can open the turn once more, with another message. It has other events before it then.
      equals('seq', lane.seq),
      ...outcomes.when,
      ...next.when,
    ],
    change: [
      ...outcomes.change,
      set('previousIds', { ...lane.ids, ...Object.fromEntries(gone.map(([id]) => [id, 1])) }),
      set('ids', {}),
      remove('cancel'),
      ...next.change,
    ],
  };
}

/** Rejects a waiting message and its slot. Recognised like `rejectUnclaimed`. */
export const rejectWaiting = (
  id: MessageId,
  message: PendingMessage,
  code: WithdrawalCode,
): Update<Lane> => ({
  when: [exists(['waiting', id])],
  change: [
    remove(['waiting', id]),
    // rule: rejected-message-gives-its-bytes-back
    add('bytes', -contentBytes(message)),
    set(['undelivered', id], undeliveredOutcome(message, code)),
    set(['ids', id], 1),
  ],
});

/** Forgets an outcome that its sender received. */
export const forgetUndelivered = (id: MessageId): Update<Lane> => ({
  when: [exists('session')],
  change: [remove(['undelivered', id])],
});
