import type { AbortFrame } from '../../protocol/client-frames.ts';
import type { Core } from '../core.ts';
import { tellFates } from '../fates.ts';
import type { Lane } from '../items.ts';
import { laneKey } from '../keys.ts';
import { requestAbort } from '../lane-writes.ts';
import { errorReply, reply } from '../replies.ts';
import { viewSession } from '../sessions.ts';
import { dropSlot, releaseSlot } from '../slots.ts';
import type { Sender } from './acknowledge.ts';

/**
 * Stops the session's running turn, from any of its connections (P14): the worker sees the request with its next commit
 * or look. A turn of this lane that has not begun yet is withdrawn instead: nothing was said, so nothing is to keep.
 */
export async function abortTurn(core: Core, sender: Sender, frame: AbortFrame): Promise<void> {
  const { session, lane: ownId, principal } = sender.connection;
  const { lane, laneId, session: read } = await viewSession(core, session);
  const runs = lane?.turn !== undefined && lane.slot === read?.active?.slot && lane.holder !== undefined;
  if (laneId !== undefined && runs && matches(lane, frame)) {
    const request = {
      turn: lane.turn ?? '',
      pending: frame.pending ?? 'keep',
      by: principal.subject,
    } as const;
    if ((await core.store.update(laneKey(session, laneId), requestAbort(request))).ok) return;
  }
  const own = await core.store.get(laneKey(session, ownId));
  if (own?.slot !== undefined && own.turn === own.slot && own.holder === undefined && matches(own, frame)) {
    const token = { session, lane: ownId, slot: own.slot };
    if (await dropSlot(core, token, 'cancelled')) {
      await releaseSlot(core, token);
      await tellFates(core, ownId, await core.store.get(laneKey(session, ownId)), sender.id);
      return;
    }
  }
  const text = frame.turn_id ? 'That turn is not running.' : 'No turn is running in this session.';
  await reply(core, sender.id, errorReply('NO_ACTIVE_TURN', text));
}

const matches = (lane: Lane, frame: AbortFrame) => frame.turn_id === undefined || frame.turn_id === lane.turn;
