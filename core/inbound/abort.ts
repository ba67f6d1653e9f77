import type { AbortFrame } from '../../protocol/client-frames.ts';
import type { Core } from '../core.ts';
import { asMessageId, type SlotId, slotOf } from '../ids.ts';
import type { TurnJob } from '../ports.ts';
import { errorReply, reply } from '../replies.ts';
import { reportOutcomes } from '../session/outcomes.ts';
import { leasedTurn, viewSession } from '../session/sessions.ts';
import { rejectSlot, releaseSlot } from '../session/slots.ts';
import type { Lane } from '../store/items.ts';
import { laneKey } from '../store/keys.ts';
import { unclaimedSlot } from '../store/lane/lane.ts';
import { requestAbort } from '../store/lane/request.ts';
import type { Sender } from './acknowledge.ts';
import { withdrawMessages } from './cancel.ts';

/**
 * Stops the session's running turn, from any of its connections (P14). The worker sees the request with its next commit or
 * poll. A turn of this lane that has not begun is withdrawn instead, except for the messages that wait behind it.
 *
 * A frame that names messages withdraws them first, one by one, and keeps all others: the turn may go on for a while after
 * "stop", and what is sent meanwhile must not go with it (P1).
 */
export async function abortTurn(core: Core, sender: Sender, frame: AbortFrame): Promise<void> {
  const { session, lane: ownId, principal } = sender.connection;
  const named = frame.pending === 'discard' ? frame.pending_ids?.map(asMessageId) : undefined;
  const pending = named ? 'keep' : (frame.pending ?? 'keep');
  const isAnyWithdrawn = await withdrawMessages(core, sender, named ?? []);
  const held = leasedTurn(await viewSession(core, session));
  if (held && matches(held.lane, frame)) {
    const { turn, laneId } = held;
    const request = { turn, pending, by: principal.subject } as const;
    if ((await core.store.update(laneKey(session, laneId), requestAbort(request))).ok) return;
  }
  const own = await core.store.get(laneKey(session, ownId));
  const unclaimed = own && unclaimedSlot(own);
  if (own && unclaimed !== undefined && matches(own, frame)) {
    const isWithdrawn = named
      ? isAnyWithdrawn
      : await withdrawUnclaimed(core, sender, own, unclaimed, { waitingToo: pending === 'discard' });
    if (isWithdrawn) return;
  }
  const text = frame.turn_id ? 'That turn is not running.' : 'No turn is running in this session.';
  await reply(core, sender.id, errorReply('NO_ACTIVE_TURN', text));
}

const matches = (lane: Lane, frame: AbortFrame) => frame.turn_id === undefined || frame.turn_id === lane.turn;

/** Withdraws the sender's turn that has not begun, with all its messages. Returns false if a worker was faster. */
async function withdrawUnclaimed(
  core: Core,
  { id, connection: { session, lane: laneId } }: Sender,
  lane: Lane,
  unclaimed: SlotId,
  { waitingToo }: { waitingToo: boolean },
): Promise<boolean> {
  // Waiting messages first: if one were left when the turn is gone, it would open the next turn.
  const waiting = waitingToo ? Object.values(lane.waiting).map(({ turn }) => slotOf(turn)) : [];
  const dropped: TurnJob[] = [];
  for (const slot of [...waiting, unclaimed]) {
    const job = { session, lane: laneId, slot };
    if (await rejectSlot(core, job, 'cancelled')) dropped.push(job);
  }
  // Others find the messages by their places in the queue, so outcomes are reported first.
  await reportOutcomes(core, laneId, await core.store.get(laneKey(session, laneId)), id);
  for (const job of dropped) await releaseSlot(core, job);
  return dropped.length > 0;
}
