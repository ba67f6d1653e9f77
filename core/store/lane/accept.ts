import type { Limits } from '../../../config/settings/limits.ts';
import type { EpochMs, EpochSeconds } from '../../../config/units.ts';
import { type MessageId, type SessionKey, slotOf } from '../../ids.ts';

import type { Lane, PendingMessage } from '../items.ts';
import type { Update } from '../update.ts';
import { absent, add, atMost, equals, exists, set, setIfAbsent, sizeBelow } from '../update.ts';
import { contentBytes, INLINE_BYTES, MAX_IDS, MAX_UNDELIVERED } from './lane.ts';
import type { Then, When } from './lane-update.ts';

export interface Acceptance {
  session: SessionKey;
  id: MessageId;
  message: PendingMessage;
  limits: Pick<Limits, 'inboxMessages' | 'inboxBytes'>;
  now: EpochMs;
  /** When the lane expires: days ahead, and moved with every message. */
  expires: EpochSeconds;
}

/**
 * The lane belongs to the session (P12), the id is new to it (P10), and there is room. If one of these fails, nothing is
 * written (P2).
 */
export const acceptableHere = ({ session, id, message, limits }: Acceptance): When[] => [
  equals('session', session),
  absent(['inbox', id]),
  absent(['waiting', id]),
  // rule: id-not-in-turn
  absent(['ids', id]),
  // rule: id-not-in-previous-turn
  absent(['previousIds', id]),
  absent(['undelivered', id]),
  // rule: inbox-has-room
  sizeBelow('inbox', limits.inboxMessages),
  sizeBelow('waiting', limits.inboxMessages),
  sizeBelow('ids', MAX_IDS),
  sizeBelow('undelivered', MAX_UNDELIVERED),
  atMost('bytes', roomFor(message, limits)),
];

/** How much may wait on the lane before this message. */
const roomFor = (message: PendingMessage, { inboxBytes }: Acceptance['limits']): number => {
  const limit = message.size === undefined ? Math.min(INLINE_BYTES, inboxBytes) : inboxBytes;
  return limit - contentBytes(message);
};

/** The same, and the message was not forwarded to another lane. */
export const acceptable = (acceptance: Acceptance): When[] => [
  ...acceptableHere(acceptance),
  // rule: forwarded-message-not-accepted-here
  absent(['forwarded', acceptance.id]),
];

export const intoTheInbox = ({ id, message, expires }: Acceptance): Then[] => [
  set(['inbox', id], message),
  add('bytes', contentBytes(message)),
  set('expires', expires),
];

/** Opens a turn if the lane has none. */
export const withTurn = ({ message, now }: Acceptance): Then[] => [
  setIfAbsent('turn', message.turn),
  setIfAbsent('slot', slotOf(message.turn)),
  setIfAbsent('since', now),
];

/**
 * Accepts a message into the inbox and opens a turn if the lane has none. The first message of a turn and steering are
 * the same write, so no message can fall between two turns (P1, P7; the race is shown at `endAnswered` in end.ts).
 *
 * With `onlyIdle` the message must open a turn. The writer recognises its own success by the id: it is in the inbox, or
 * among the ids that the lane remembers.
 */
export const accept = (acceptance: Acceptance, onlyIdle = false): Update<Lane> => ({
  when: [...acceptable(acceptance), ...(onlyIdle ? [absent<Lane>('turn')] : [])],
  change: [...intoTheInbox(acceptance), ...withTurn(acceptance)],
});

/**
 * Accepts a message with `delivery: queue` on a busy lane: it waits for a turn of its own. Recognised like `accept`.
 */
export const acceptWaiting = (acceptance: Acceptance): Update<Lane> => ({
  when: [...acceptable(acceptance), exists('turn')],
  change: [
    set(['waiting', acceptance.id], acceptance.message),
    add('bytes', contentBytes(acceptance.message)),
    set('expires', acceptance.expires),
  ],
});
