import type { EpochMs, EpochSeconds } from '../../../config/units.ts';
import { byId, type TurnId } from '../../ids.ts';
import type { Lane } from '../items.ts';
import { set, sizeIs } from '../update.ts';
import { afterTurn, clearTurn, keepIds, messagesAsRead, waitingAsRead, withOutcomes } from './after-turn.ts';
import type { Then, When } from './lane-update.ts';
import { undeliveredOutcome } from './withdraw.ts';

/**
 * The writes that end a turn. Each is part of the commit that appends the turn's last event, so the turn ends and its
 * last event becomes durable in one step.
 */

/**
 * Ends an answered turn. **This is the write that keeps P7 (no closing race).**
 *
 * The race that its first condition closes:
 *
 * ```
 * worker                                client, through `accept` (accept.ts)
 * ------                                ------------------------------------
 * reads the lane: the inbox is empty
 *                                       the message goes into the inbox; the lane has a turn,
 *                                       so no new turn is opened for it
 * ends the turn, removes `turn`
 *                                       nobody applies the message: it is lost (P1)
 * ```
 *
 * Both are conditional writes on the same item, so DynamoDB orders them. If `accept` is first, the inbox is not empty:
 * this write is refused, and the turn goes on with the message. If this write is first, the lane has no turn: `accept`
 * opens one. `ids` only grows within a turn, so its size shows that no message was withdrawn meanwhile either.
 */
export function endAnswered(
  lane: Lane,
  entry: number,
  now: EpochMs,
  expires: EpochSeconds,
): { when: When[]; change: Then[] } {
  const next = afterTurn(lane, now, expires);
  return {
    when: [
      // rule: end-needs-empty-inbox
      sizeIs('inbox', 0),
      sizeIs('ids', Object.keys(lane.ids).length),
      ...next.when,
    ],
    change: [...clearTurn, ...keepIds(lane), set('entry', entry), ...next.change],
  };
}

/**
 * Ends a turn by an error or an abort and keeps what is pending: the messages in the inbox become the turn `followUp`,
 * in the same slot and under the same turn job.
 */
export function endKeepingPending(
  lane: Lane,
  entry: number,
  followUp: TurnId,
  now: EpochMs,
  expires: EpochSeconds,
): { when: When[]; change: Then[] } {
  if (Object.keys(lane.inbox).length === 0) return endAnswered(lane, entry, now, expires);
  return {
    when: messagesAsRead(lane),
    change: [
      ...clearTurn,
      ...keepIds(lane),
      set('entry', entry),
      // rule: follow-up-keeps-slot
      set('turn', followUp),
      set('since', now),
    ],
  };
}

/**
 * Ends a turn by an abort and withdraws what is pending on its lane, in the inbox and waiting for turns of its own: each
 * message is answered `cancelled`.
 */
export function endDiscardingPending(
  lane: Lane,
  entry: number,
  now: EpochMs,
  expires: EpochSeconds,
): { when: When[]; change: Then[] } {
  const gone = byId({ ...lane.inbox, ...lane.waiting });
  const outcomes = withOutcomes(
    lane,
    gone.map(([id, message]) => [id, undeliveredOutcome(message, 'cancelled')]),
  );
  const next = afterTurn({ ...lane, waiting: {} }, now, expires);
  return {
    when: [
      ...messagesAsRead(lane),
      // rule: discard-needs-waiting-as-read
      waitingAsRead(lane),
      ...outcomes.when,
    ],
    change: [
      ...clearTurn,
      ...outcomes.change,
      set('previousIds', { ...lane.ids, ...Object.fromEntries(gone.map(([id]) => [id, 1])) }),
      set('ids', {}),
      set('entry', entry),
      set('waiting', {}),
      ...next.change,
    ],
  };
}
