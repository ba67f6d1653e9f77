import type { MessageId, TurnId } from '../../ids.ts';
import type { Lane, UndeliveredOutcome, Withdrawal } from '../items.ts';
import type { Update } from '../update.ts';
import { absent, any, atMost, equals, exists, remove, set, sizeBelow } from '../update.ts';
import type { Acceptance } from './accept.ts';
import { acceptable, acceptableHere, intoTheInbox, withTurn } from './accept.ts';

/**
 * Forwards a message from its own lane, which has no turn, to the turn of another lane. From now on it can be accepted
 * there and nowhere else, so that a repeat of it is not accepted on two lanes (P10). Its `order` counts as seen here, so
 * that no boundary of this lane waits for it.
 *
 * The writer recognises its own success by `forwarded`, which names the target.
 */
export const forwardMessage = (
  acceptance: Acceptance,
  place: string,
  counted: number | undefined,
): Update<Lane> => {
  const { id, message, limits, expires } = acceptance;
  const { order = 0 } = message;
  const counts = order > (counted ?? 0);
  return {
    when: [
      ...acceptable(acceptance),
      absent('turn'),
      sizeBelow('forwarded', limits.inboxMessages),
      ...(counts ? [any<Lane>(absent('lastOrder'), atMost('lastOrder', order))] : []),
    ],
    change: [
      set(['forwarded', id], place),
      set('expires', expires),
      ...(counts ? [set<Lane>('lastOrder', order)] : []),
    ],
  };
};

/**
 * Accepts a forwarded message into the inbox of the target lane, only while the turn that it was forwarded to has a
 * worker. It never opens a turn there: its own client would not know of it. Recognised like `accept`.
 */
export const acceptForwarded = (acceptance: Acceptance, turn: TurnId): Update<Lane> => ({
  when: [
    ...acceptable(acceptance),
    // rule: forwarded-message-steers-its-turn
    equals('turn', turn),
    // rule: forwarded-message-needs-worker
    exists('lease'),
  ],
  change: intoTheInbox(acceptance),
});

/** Accepts a forwarded message on its own lane after all, because its target turn ended first. Recognised like `accept`. */
export const acceptReturned = (acceptance: Acceptance, place: string): Update<Lane> => ({
  when: [
    ...acceptableHere(acceptance),
    // rule: return-from-named-target
    equals(['forwarded', acceptance.id], place),
  ],
  change: [...intoTheInbox(acceptance), ...withTurn(acceptance), remove(['forwarded', acceptance.id])],
});

/** Forgets a forwarded message that was applied or never arrived. Refused if it was forwarded again meanwhile. */
export const forgetForwarded = (id: MessageId, place: string): Update<Lane> => ({
  when: [equals(['forwarded', id], place)],
  change: [remove(['forwarded', id])],
});

/** Moves the outcome of a forwarded message that was withdrawn at its target to its own lane. Repeating it changes nothing. */
export const returnOutcome = (id: MessageId, { code }: Withdrawal): Update<Lane> => ({
  when: [exists(['forwarded', id])],
  change: [
    remove(['forwarded', id]),
    // The message's own outcome has the rest.
    set(['undelivered', id], { code } satisfies UndeliveredOutcome),
    set(['ids', id], 1),
  ],
});
