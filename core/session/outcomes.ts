import type { Core } from '../core.ts';
import { expiry } from '../core.ts';
import { reply, withdrawalReply } from '../replies.ts';
import type { Lane, MessageOutcome } from '../store/items.ts';
import { laneKey, messageKey } from '../store/keys.ts';
import { forgetForwarded } from '../store/lane/forward.ts';
import { forgetUndelivered } from '../store/lane/withdraw.ts';

/**
 * Tells senders what became of messages that were withdrawn (P1), and `alsoTo`, who asked. What is told is what
 * `MESSAGE#id` says, put if absent and then read: a worker may have taken the message in meanwhile, and then it was not
 * withdrawn after all. A client that was away hears it when it connects again: the notice stays until it was posted to the
 * lane's own connection, and of a message that came from another lane, that lane looks after it until then.
 */
export async function reportOutcomes(
  core: Core,
  laneId: string,
  lane: Lane | undefined,
  alsoTo?: string,
): Promise<void> {
  if (!lane) return;
  for (const [id, { code, from }] of Object.entries(lane.undelivered)) {
    const settled = { outcome: 'withdrawn', code, expires: expiry(core).outcome } as const;
    const outcome = await recordOutcome(core, lane.session, id, settled);
    if (outcome.outcome === 'taken') {
      await core.store.update(laneKey(lane.session, laneId), forgetUndelivered(id));
      continue;
    }
    const home = from === undefined ? lane : await core.store.get(laneKey(lane.session, from));
    const frame = withdrawalReply(id, outcome.code, core.limits);
    let heard = false;
    for (const connection of new Set([home?.connection, alsoTo])) {
      if (connection === undefined) continue;
      const sent = (await reply(core, connection, frame)) === 'sent';
      if (connection === home?.connection) heard = sent;
    }
    const place = home?.forwarded[id];
    if (from !== undefined && place !== undefined && heard)
      await core.store.update(laneKey(lane.session, from), forgetForwarded({ [id]: place }));
    if (from !== undefined || heard)
      await core.store.update(laneKey(lane.session, laneId), forgetUndelivered(id));
  }
}

/** The first outcome that is written is the message's outcome, whoever wrote it. */
export async function recordOutcome(
  core: Pick<Core, 'store'>,
  session: string,
  id: string,
  outcome: MessageOutcome,
): Promise<MessageOutcome> {
  const key = messageKey(session, id);
  if (await core.store.putIfAbsent(key, outcome)) return outcome;
  return (await core.store.get(key)) ?? outcome;
}
