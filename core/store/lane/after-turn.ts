import type { EpochMs, EpochSeconds } from '../../../config/units.ts';
import { inOrderOfArrival } from '../../arrival.ts';
import { idsOf, type MessageId, slotOf } from '../../ids.ts';
import type { Lane, UndeliveredOutcome } from '../items.ts';
import { add, exists, remove, set, sizeIs } from '../update.ts';
import { contentBytes } from './lane.ts';
import type { Then, When } from './lane-update.ts';

/**
 * The inbox and `ids` are as they were read in this turn, so a write may replace them whole. Its expression has the same
 * length for any number of messages.
 *
 * The sizes are enough: whoever withdraws a message adds its id to `ids`, which only grows within a turn. So with `ids` of
 * the same size nothing has left the inbox, and with an inbox of the same size nothing has come in.
 */
export const messagesAsRead = (lane: Lane): When[] => [
  sizeIs('inbox', idsOf(lane.inbox).length),
  sizeIs('ids', idsOf(lane.ids).length),
];

/** The same of the messages that wait for turns of their own. Together with `messagesAsRead`. */
export const waitingAsRead = (lane: Lane): When => sizeIs('waiting', idsOf(lane.waiting).length);

/**
 * Adds outcomes of withdrawn messages to those that their senders have not received. Together with `messagesAsRead`: nobody
 * adds an outcome without an id in `ids`, so the same size means the same outcomes.
 */
export const withOutcomes = (
  lane: Lane,
  outcomes: readonly (readonly [MessageId, UndeliveredOutcome])[],
): { when: When[]; change: Then[] } => ({
  when: [sizeIs('undelivered', idsOf(lane.undelivered).length)],
  change: [set('undelivered', { ...lane.undelivered, ...Object.fromEntries(outcomes) })],
});

const waitingHead = (lane: Lane) => inOrderOfArrival(lane.waiting)[0];

/** What follows the turn: the next waiting message opens its own turn, or the lane has none. */
export function afterTurn(lane: Lane, now: EpochMs, expires: EpochSeconds): { when: When[]; change: Then[] } {
  const head = waitingHead(lane);
  if (!head) {
    return {
      when: [
        // rule: end-needs-no-waiting-message
        sizeIs('waiting', 0),
      ],
      change: [
        remove('turn'),
        remove('slot'),
        remove('since'),
        set('inbox', {}),
        set('expires', expires),
        // Nothing is pending, so zero is exact, whatever earlier writes added up to.
        set('bytes', 0),
      ],
    };
  }
  const { id, ...message } = head;
  const left = Object.values(lane.inbox).reduce((sum, pending) => sum + contentBytes(pending), 0);
  return {
    when: [exists(['waiting', id])],
    change: [
      set('turn', message.turn),
      set('slot', slotOf(message.turn)),
      set('since', now),
      set('inbox', { [id]: message }),
      remove(['waiting', id]),
      add('bytes', -left),
    ],
  };
}

/** The ended turn's ids stay known for one more turn (P10). */
export const keepIds = (lane: Lane): Then[] => [
  set('previousIds', /* rule: previous-ids-stay-known */ lane.ids),
  set('ids', {}),
];

/** Removes all that belongs to the turn alone. */
export const clearTurn: Then[] = [
  remove('lease'),
  remove('claims'),
  remove('cancel'),
  remove('usage'),
  remove('unstarted'),
  remove('approvals'),
  remove('decisions'),
  remove('asked'),
  remove('outputs'),
];
