import { type MessageId, without } from '../../ids.ts';
import { ownValue } from '../../own-value.ts';
import type { Lane, Withdrawal } from '../items.ts';
import { add, set } from '../update.ts';
import { messagesAsRead, withOutcomes } from './after-turn.ts';
import { contentBytes, MAX_PATHS } from './lane.ts';
import type { Then, When } from './lane-update.ts';
import { undeliveredOutcome } from './withdraw.ts';

/**
 * Removes applied messages from the inbox. Part of the commit that appends `applied`; the inbox must be as it was read, so
 * a message is applied or withdrawn, never both (P1, P6). A message that comes in meanwhile has the write refused. Its next
 * try applies that message too.
 *
 * @param ids messages to remove
 * @param fresh those of them that the turn applies now, without those whose outcome was known before
 * @param step of the turn, from 1 on, at which they are applied
 */
export const removeApplied = (
  lane: Lane,
  ids: readonly MessageId[],
  fresh: readonly MessageId[],
  step: number,
): { when: When[]; change: Then[] } => {
  const pending = ids.flatMap((id) => ownValue(lane.inbox, id) ?? []);
  // `lastOrder` counts the lane's own messages. A forwarded message is counted on the lane of its sender.
  const counts = pending.flatMap(({ from, order }) => (from === undefined ? (order ?? []) : []));
  return {
    when: /* rule: applied-message-is-pending */ messagesAsRead(lane),
    change: [
      set('inbox', without(lane.inbox, ids)),
      set('ids', { ...lane.ids, ...Object.fromEntries(fresh.map((id) => [id, step === 1 ? 1 : 2])) }),
      add('bytes', -pending.reduce((sum, message) => sum + contentBytes(message), 0)),
      ...(counts.length ? [set<Lane>('lastOrder', Math.max(lane.lastOrder ?? 0, ...counts))] : []),
    ],
  };
};

/**
 * Withdraws messages that cannot be applied, and removes `known` ones, whose outcome was known before. The senders of the
 * former are told why.
 */
export const removeUnfit = (
  lane: Lane,
  known: readonly MessageId[],
  unfit: ReadonlyMap<MessageId, Withdrawal>,
): { when: When[]; change: Then[] } => {
  const ids = [...unfit.keys()];
  const removal = removeApplied(lane, [...known, ...ids], ids, 1);
  // The lane has to fit into an item: beyond so many outcomes, a client is told no field.
  let paths = Object.keys(lane.undelivered).length;
  const outcomes = withOutcomes(
    lane,
    [...unfit].flatMap(([id, { code, path, until }]) => {
      const message = ownValue(lane.inbox, id);
      const more = {
        ...(path !== undefined && paths++ < MAX_PATHS && { path }),
        ...(until !== undefined && { until }),
      };
      return message ? [[id, undeliveredOutcome(message, code, more)] as const] : [];
    }),
  );
  return { when: [...removal.when, ...outcomes.when], change: [...removal.change, ...outcomes.change] };
};
