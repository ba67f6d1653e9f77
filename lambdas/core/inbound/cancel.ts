import type { CancelFrame } from '../../protocol/client-frames.ts';
import type { Core } from '../core.ts';
import { tellFates } from '../fates.ts';
import type { Lane } from '../items.ts';
import { laneKey, messageKey } from '../keys.ts';
import { cancelPending } from '../lane-writes.ts';
import { errorReply, reply } from '../replies.ts';
import type { Sender } from './acknowledge.ts';
import { answerFate } from './acknowledge.ts';

/** Withdraws a message that no turn has taken in yet; else says where it is (`NOT_PENDING`). */
export async function cancelMessage(core: Core, sender: Sender, { id }: CancelFrame): Promise<void> {
  const { session, lane: laneId } = sender.connection;
  const key = laneKey(session, laneId);
  for (;;) {
    const lane = await core.store.get(key);
    const place = lane && pendingPlace(lane, id);
    if (!place) {
      if (lane && Object.hasOwn(lane.notices, id)) await tellFates(core, laneId, lane, sender.id);
      else await answerNotPending(core, sender, id, session);
      return;
    }
    const message = lane[place][id];
    const written = message && (await core.store.update(key, cancelPending(place, id, message)));
    if (written?.ok) {
      await tellFates(core, laneId, written.item, sender.id);
      return;
    }
  }
}

const pendingPlace = (lane: Lane, id: string) =>
  (['inbox', 'waiting'] as const).find((place) => Object.hasOwn(lane[place], id));

async function answerNotPending(core: Core, sender: Sender, id: string, session: string): Promise<void> {
  const fate = await core.store.get(messageKey(session, id));
  if (fate?.fate === 'withdrawn') {
    await answerFate(core, sender.id, id, fate);
    return;
  }
  const where = fate ? `turn ${fate.turn} has taken it in` : 'no such message is waiting on this lane';
  await reply(core, sender.id, errorReply('NOT_PENDING', `It cannot be withdrawn: ${where}.`, { id }));
}
