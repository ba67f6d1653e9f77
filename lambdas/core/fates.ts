import type { Core } from './core.ts';
import { expiry } from './core.ts';
import type { Fate, Lane } from './items.ts';
import { laneKey, messageKey } from './keys.ts';
import { forgetNotice } from './lane-writes.ts';
import { reply, withdrawalReply } from './replies.ts';

/**
 * Tells the lane's client what became of messages that were withdrawn (P1). What is told is what `MESSAGE#id` says, put
 * if absent and then read: a worker may have taken the message in meanwhile, and then it was not withdrawn after all.
 * A notice stays on the lane until a post succeeded, so that a client that was away hears it when it connects again.
 */
export async function tellFates(
  core: Core,
  laneId: string,
  lane: Lane | undefined,
  alsoTo?: string,
): Promise<void> {
  if (!lane) return;
  for (const [id, code] of Object.entries(lane.notices)) {
    const fate = await settleFate(core, lane.session, id, {
      fate: 'withdrawn',
      code,
      expires: expiry(core).fate,
    });
    let heard = fate.fate === 'taken';
    if (fate.fate === 'withdrawn') {
      const frame = withdrawalReply(id, fate.code, core.limits);
      for (const connection of new Set([lane.connection, ...(alsoTo ? [alsoTo] : [])])) {
        if ((await reply(core, connection, frame)) === 'sent') heard = true;
      }
    }
    if (heard) await core.store.update(laneKey(lane.session, laneId), forgetNotice(id));
  }
}

/** The first fate that is written is the message's fate, whoever wrote it. */
export async function settleFate(
  core: Pick<Core, 'store'>,
  session: string,
  id: string,
  fate: Fate,
): Promise<Fate> {
  const key = messageKey(session, id);
  if (await core.store.putIfAbsent(key, fate)) return fate;
  return (await core.store.get(key)) ?? fate;
}
