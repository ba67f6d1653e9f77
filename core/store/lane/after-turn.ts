import type { EpochMs, EpochSeconds } from '../../../config/units.ts';
import { inOrderOfArrival } from '../../arrival.ts';
import { idsOf, slotOf } from '../../ids.ts';
import type { Lane } from '../items.ts';
import { add, exists, remove, set, sizeIs } from '../update.ts';
import { contentBytes } from './lane.ts';
import type { Then, When } from './lane-update.ts';

/** The inbox holds the messages that were read, and no other one. */
export const messagesAsRead = (lane: Lane): When[] => [
  ...idsOf(lane.inbox).map((id) => exists<Lane>(['inbox', id])),
  sizeIs('inbox', Object.keys(lane.inbox).length),
  // `ids` only grows within a turn, so the same size means the same ids.
  sizeIs('ids', Object.keys(lane.ids).length),
];

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
];
