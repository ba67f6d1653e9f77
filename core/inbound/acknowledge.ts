import { between } from '../../config/units.ts';
import type { Accepted } from '../../protocol/server-frames.ts';
import { inOrderOfArrival } from '../arrival.ts';
import type { Core } from '../core.ts';
import { type ConnectionId, type LaneId, type MessageId, type SlotId, slotOf } from '../ids.ts';
import type { Origin } from '../message-context.ts';
import { ownValue } from '../own-value.ts';
import { reply, sessionDeleted, withdrawalReply } from '../replies.ts';
import { reportOutcomes } from '../session/outcomes.ts';
import { openSlot, rejectSlot } from '../session/slots.ts';
import type { Connection, Lane, MessageOutcome } from '../store/items.ts';
import { laneKey, messageKey } from '../store/keys.ts';
import { unclaimedSlot } from '../store/lane/lane.ts';

/** Who sends a frame: a connection, or a caller that has none and is answered in the same way. */
export interface Sender {
  id: ConnectionId;
  connection: Pick<Connection, 'principal' | 'session' | 'lane'> & Origin;
}

/** Who sends a message: where the answer goes, the lane, and what holds for all messages from there. */
export interface MessageSender {
  id: ConnectionId;
  connection: Pick<Connection, 'session' | 'lane'> & Origin;
}

/**
 * Answers `accepted` with the message's placement. The opener of an unclaimed turn may have died, so the slot is opened
 * first, again if need be (P1). If the queue has no room, the message is refused.
 */
export async function acknowledge(
  core: Core,
  sender: MessageSender,
  laneId: LaneId,
  id: MessageId,
  lane: Lane,
  { duplicate }: { duplicate: boolean },
): Promise<void> {
  const landed = landing(lane, id);
  const at = (ownValue(lane.inbox, id) ?? ownValue(lane.waiting, id))?.at;
  const slot = /* rule: acknowledge-opens-slot */ unclaimedSlotOf(lane, id);
  if (slot !== undefined) {
    const { session } = sender.connection;
    const token = { session, lane: laneId, slot };
    const opened = await openSlot(core, token);
    if (opened === 'SESSION_DELETED') {
      // The function that deletes the session withdraws what is on its lanes, and may have done so already.
      await reply(core, sender.id, sessionDeleted({ id }));
      return;
    }
    if (typeof opened !== 'string') {
      if (landed.placement === 'turn') landed.position = opened.ahead;
    } else {
      await rejectSlot(core, token, opened);
      // Rejected by this function or another one. If the slot was claimed meanwhile, the message is accepted after all.
      const now = await core.store.get(laneKey(session, laneId));
      if (!now) {
        // Its session was deleted meanwhile, and the lane with it.
        await reply(core, sender.id, sessionDeleted({ id }));
        return;
      }
      if (Object.hasOwn(now.undelivered, id)) {
        await reportOutcomes(core, laneId, now, sender.id);
        return;
      }
      const outcome = await core.store.get(messageKey(session, id));
      if (outcome) {
        await answerOutcome(core, sender.id, id, outcome);
        return;
      }
    }
  }
  if (landed.placement === 'steering' && !duplicate) core.metrics.count('SteeringAccepted');
  if (!duplicate)
    core.milestones.reached('message accepted', sender.connection.session, {
      lane: laneId,
      message_id: id,
      turn: landed.turn_id,
      placement: landed.placement,
      position: landed.position,
      ...(at !== undefined && { sinceReceivedMs: between(at, core.clock.now()) }),
    });
  await reply(core, sender.id, {
    type: 'accepted',
    id,
    ...landed,
    /* rule: repeat-is-marked */ ...(duplicate && { duplicate: true }),
  });
}

function landing(lane: Lane, id: MessageId): Pick<Accepted, 'turn_id' | 'placement' | 'position'> {
  const waiting = ownValue(lane.waiting, id);
  if (waiting) return { turn_id: waiting.turn, placement: 'queued', position: place(lane.waiting, id) };
  const turn_id = lane.turn ?? lane.begun?.turn ?? '';
  const pending = ownValue(lane.inbox, id);
  const opens = pending !== undefined && pending.turn === lane.turn;
  // Applied, and its outcome is not stored yet.
  const began = ownValue(lane.ids, id) === 1 || ownValue(lane.previousIds, id) === 1;
  if (opens || began) return { turn_id, placement: 'turn', position: 0 };
  return { turn_id, placement: 'steering', position: Math.max(0, place(lane.inbox, id)) };
}

const place = (messages: Lane['inbox'], id: MessageId) =>
  inOrderOfArrival(messages).findIndex((message) => message.id === id);

/** The slot that the message waits in, if it has no worker. */
function unclaimedSlotOf(lane: Lane, id: MessageId): SlotId | undefined {
  const waiting = ownValue(lane.waiting, id);
  if (waiting) return slotOf(waiting.turn);
  return Object.hasOwn(lane.inbox, id) ? unclaimedSlot(lane) : undefined;
}

/** Answers a repeated id as before (P10). */
export async function answerOutcome(
  core: Core,
  connection: ConnectionId,
  id: MessageId,
  outcome: MessageOutcome,
): Promise<void> {
  if (outcome.outcome === 'withdrawn') {
    await reply(core, connection, withdrawalReply(id, outcome, core));
    return;
  }
  const { turn: turn_id, placement } = outcome;
  await reply(core, connection, { type: 'accepted', id, turn_id, placement, position: 0, duplicate: true });
}
