import type { Core } from '../core.ts';
import { type LaneId, type SessionKey, type SlotId, slotOf } from '../ids.ts';
import { reportOutcomes } from '../session/outcomes.ts';
import { OPENER_GRACE_MS, openSlot, rejectSlot } from '../session/slots.ts';
import { laneKey } from '../store/keys.ts';
import { unclaimedSlot } from '../store/lane/lane.ts';
import { settleForwarded } from './forward.ts';

/**
 * Repairs a lane: a function that died between its write and its send left a turn, or a waiting message, without a job in the
 * queue. Every `connect`, and some other frames, open such slots again and settle forwarded messages.
 */
export async function repairLane(core: Core, session: SessionKey, laneId: LaneId): Promise<void> {
  const lane = await core.store.get(laneKey(session, laneId));
  if (!lane) return;
  // rule: forwarded-settled-on-return
  await settleForwarded(core, laneId, lane);
  const now = core.clock.now();
  const stale: SlotId[] = [];
  const unclaimed = unclaimedSlot(lane);
  if (unclaimed !== undefined && now - (lane.since ?? 0) > OPENER_GRACE_MS) stale.push(unclaimed);
  for (const message of Object.values(lane.waiting))
    if (now - message.at > OPENER_GRACE_MS) stale.push(slotOf(message.turn));
  for (const slot of stale) {
    const token = { session, lane: laneId, slot };
    const opened = await openSlot(core, token);
    if (typeof opened === 'string') await rejectSlot(core, token, opened);
  }
  if (stale.length) await reportOutcomes(core, laneId, await core.store.get(laneKey(session, laneId)));
}
