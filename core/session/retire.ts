import { Broadcast } from '../broadcast.ts';
import type { Core } from '../core.ts';
import { expiry } from '../core.ts';
import { decodeEvents, mergeEvents } from '../events/events.ts';
import { byTurn, readEvents, spillEvents, storedText, writeEntries } from '../events/journal.ts';
import type { LaneId, SessionKey, SlotId } from '../ids.ts';
import { laneKey, sessionKey } from '../store/keys.ts';
import { release, retire } from '../store/session-writes.ts';
import { tellBus } from './bus.ts';
import { recordTaken, reportOutcomes } from './outcomes.ts';
import { carryOver } from './sessions.ts';
import { askForFollowUps } from './turn-ended.ts';
import { leaveFlight } from './turns-in-flight.ts';

/**
 * Retires a slot that is over, for a worker that may have died before it did. It repeats what may be missing from the
 * lane's committed events (entries, posts, spill), then the session takes over the lane's counters. Outcomes are reported
 * first, because others find withdrawn messages by the slot's place in the queue. A slot that is not the active one is
 * only removed from the queue.
 */
export async function retireSlot(
  core: Core,
  session: SessionKey,
  laneId: LaneId,
  slot: SlotId,
): Promise<void> {
  // rule: retired-slot-leaves-its-place
  await leaveFlight(core, { session, slot });
  for (;;) {
    const read = await core.store.get(sessionKey(session));
    if (!read) return;
    const lane = await core.store.get(laneKey(session, laneId));
    // rule: retired-slot-reports-outcomes
    await reportOutcomes(core, laneId, lane);
    if (read.active?.slot !== slot) {
      await core.store.update(sessionKey(session), release(slot));
      return;
    }
    const left = decodeEvents(lane?.unspilled ?? []).filter(({ seq }) => seq > read.seq);
    if (lane && left.length > 0) {
      const first = Math.min(
        lane.begun?.seq ?? Number.MAX_SAFE_INTEGER,
        left[0]?.seq ?? Number.MAX_SAFE_INTEGER,
      );
      const stored = mergeEvents(await readEvents(core, session, first), left).filter(
        ({ seq }) => seq <= lane.seq,
      );
      // Without one of its events a turn has other entries. Its own worker may still write the right ones.
      const isWhole = stored.filter(({ seq }) => seq >= first).length > lane.seq - first;
      const last = left.at(-1)?.turn;
      if (!isWhole && last !== undefined) {
        // rule: retired-turn-with-a-hole-has-taken-its-messages
        await recordTaken(core, lane, last, lane.previousIds);
      }
      const turns = byTurn(/* rule: retired-turn-with-a-hole-has-no-entries */ isWhole ? stored : []);
      for (const turn of new Set(left.map((event) => event.turn))) {
        await writeEntries(core, session, turns.get(turn) ?? []);
      }
      // rule: retired-slot-tells-bus
      await tellBus(core, read, left);
      // rule: retired-slot-asks-for-follow-ups
      await askForFollowUps(core, session, laneId, left);
      const broadcast = new Broadcast(core, session, laneId);
      broadcast.join(read.audience);
      broadcast.join(lane.audience);
      // rule: retired-slot-posts-events
      await broadcast.send(await Promise.all(left.map((event) => storedText(core, session, event, stored))));
      await broadcast.settled();
      // rule: retired-slot-spills-events
      await spillEvents(core, session, left);
    }
    if (lane) await carryOver(core, session, read.audience, lane.audience);
    const retired = await core.store.update(
      sessionKey(session),
      retire(slot, read, lane?.seq ?? 0, lane?.entry ?? 0, expiry(core).session),
    );
    if (retired.ok) return;
  }
}
