import type { Core } from '../core.ts';
import { expiry } from '../core.ts';
import {
  byId,
  type ConnectionId,
  idsOf,
  type LaneId,
  type MessageId,
  type SessionKey,
  type TurnId,
} from '../ids.ts';
import { ownValue } from '../own-value.ts';
import { reply, withdrawalReply } from '../replies.ts';
import { eachOf } from '../store/each-of.ts';
import type { Lane, MessageOutcome } from '../store/items.ts';
import { laneKey, messageKey } from '../store/keys.ts';
import { forgetForwarded } from '../store/lane/forward.ts';
import { forgetUndelivered } from '../store/lane/withdraw.ts';

/**
 * Sends the outcomes of withdrawn messages to their senders (P1), and to `alsoTo`, the connection that asked. The outcome is
 * what `MESSAGE#id` says, which is put if absent and then read: if a worker applied the message meanwhile, it was not
 * withdrawn after all. A client that was away gets it with its next connection, because the outcome stays on the lane until
 * it was posted to the lane's own connection. For a forwarded message that is the lane of its sender.
 */
export async function reportOutcomes(
  core: Core,
  laneId: LaneId,
  lane: Lane | undefined,
  alsoTo?: ConnectionId,
): Promise<void> {
  if (!lane) return;
  for (const [id, { from, ...withdrawal }] of byId(lane.undelivered)) {
    const settled = { outcome: 'withdrawn', ...withdrawal, expires: expiry(core).outcome } as const;
    const outcome = await recordOutcome(core, lane.session, id, settled);
    // Its own: the first report of this message.
    if (outcome === settled) core.metrics.countBy('MessagesWithdrawn', withdrawal.code);
    if (outcome.outcome === 'taken') {
      await core.store.update(laneKey(lane.session, laneId), forgetUndelivered(id));
      continue;
    }
    const home =
      /* rule: outcome-reaches-sender */ from === undefined
        ? lane
        : await core.store.get(laneKey(lane.session, from));
    const frame = withdrawalReply(id, outcome, core);
    // Nobody waits for the outcomes of the application's lane: it asks again with the same id.
    let heard = home !== undefined && home.connection === undefined;
    for (const connection of new Set([home?.connection, alsoTo])) {
      if (connection === undefined) continue;
      const sent = (await reply(core, connection, frame)) === 'sent';
      // rule: outcome-received-by-sender
      if (connection === home?.connection) heard = sent;
    }
    const place = ownValue(home?.forwarded, id);
    if (from !== undefined && place !== undefined && /* rule: forwarded-kept-until-reported */ heard)
      await core.store.update(laneKey(lane.session, from), forgetForwarded(id, place));
    if (from !== undefined || heard)
      await core.store.update(laneKey(lane.session, laneId), forgetUndelivered(id));
  }
}

/** Records a message's outcome, and returns the one that counts: the first that was written. */
export async function recordOutcome(
  core: Pick<Core, 'store'>,
  session: SessionKey,
  id: MessageId,
  outcome: MessageOutcome,
): Promise<MessageOutcome> {
  const key = messageKey(session, id);
  if (await core.store.putIfAbsent(key, outcome)) return outcome;
  return /* rule: stored-outcome-counts */ (await core.store.get(key)) ?? outcome;
}

/**
 * Records that a turn has taken messages whose ids its lane remembers: the entries would do that, and nobody can write them. A repeat
 * finds it when the lane has forgotten the id (P10). Those that were withdrawn have an outcome of their own, or will.
 */
export async function recordTaken(
  core: Pick<Core, 'store' | 'clock' | 'retention'>,
  { session, undelivered }: Lane,
  turn: TurnId,
  ids: Lane['ids'],
): Promise<void> {
  const taken = idsOf(ids).filter((id) => !Object.hasOwn(undelivered, id));
  const expires = expiry(core).outcome;
  await eachOf(taken, async (id) => {
    await recordOutcome(core, session, id, { outcome: 'taken', turn, placement: 'turn', expires });
  });
}
