import { after, epochMs, seconds, toMs } from '../../config/units.ts';
import type { Core } from '../core.ts';
import { expiry } from '../core.ts';
import { byId, idsOf, type SessionKey, type SlotId } from '../ids.ts';
import type { TurnJob } from '../ports.ts';
import { eachOf } from '../store/each-of.ts';
import type { Lane, TurnsInFlight } from '../store/items.ts';
import { type Key, laneKey, principalTurnsKey, tenantTurnsKey } from '../store/keys.ts';
import { hasWorkFor, unclaimedSlot } from '../store/lane/lane.ts';
import { firstPlace, leavePlace, takePlace } from '../store/turns-in-flight.ts';

/**
 * Counts the turns of a principal, and of its tenant, that run or wait, so that one of them cannot take every execution
 * environment (decision 0121). A slot takes its place before its job is sent and gives it back when it is over. A place that a
 * dead function left is given back by whoever finds no room.
 */

interface Count {
  key: Key<TurnsInFlight>;
  limit: number;
}

const countsOf = ({ limits }: Pick<Core, 'limits'>, session: SessionKey): Count[] =>
  [
    { key: principalTurnsKey(session), limit: limits.principalTurns },
    { key: tenantTurnsKey(session), limit: limits.tenantTurns },
  ].filter(({ limit }) => limit > 0);

/**
 * Takes the slot's place in each count.
 *
 * @returns false: one of the counts has no room. The places in the others stay until the slot is rejected: another function that
 *   opens the same slot may have taken them, and its turn may begin
 */
export async function enterFlight(core: Core, job: TurnJob): Promise<boolean> {
  const counts = countsOf(core, job.session);
  const entered = await Promise.all(counts.map((count) => enter(core, count, job)));
  return !entered.includes(false);
}

/** Gives the places of a slot back that is over, or was rejected. */
export async function leaveFlight(
  core: Pick<Core, 'store' | 'limits'>,
  { session, slot }: Omit<TurnJob, 'lane'>,
): Promise<void> {
  await Promise.all(countsOf(core, session).map(({ key }) => core.store.update(key, leavePlace(slot))));
}

async function enter(core: Core, { key, limit }: Count, job: TurnJob): Promise<boolean> {
  const expires = expiry(core).lane;
  for (;;) {
    const taken = await core.store.update(key, takePlace(job, limit, expires));
    if (taken.ok) return true;
    const read = await core.store.get(key);
    if (!read) {
      if (await core.store.putIfAbsent(key, firstPlace(job, expires))) return true;
    } else if (idsOf(read.slots).length >= limit && !Object.hasOwn(read.slots, job.slot)) {
      if (!(await leaveForOthers(core, key, read))) return false;
    }
  }
}

/**
 * Gives back the places of slots that are over: their functions died before they did it themselves. A slot has work on its
 * lane from before it takes its place until it is over, so no place is taken from a turn that runs or waits. One that waits
 * beyond its deadline has none, because its opener died: it gets another.
 *
 * @returns whether there is room now
 */
async function leaveForOthers(
  core: Core,
  key: Key<TurnsInFlight>,
  { slots }: TurnsInFlight,
): Promise<boolean> {
  let freed = false;
  await eachOf(byId(slots), async ([slot, { session, lane: laneId }]) => {
    const lane = await core.store.get(laneKey(session, laneId));
    if (/* rule: place-kept-while-slot-has-work */ hasWorkFor(lane, slot)) {
      if (isOverdue(core, lane, slot))
        await core.queues.sendDeadline({ session, lane: laneId, slot }, seconds(0));
      return;
    }
    // rule: place-of-a-dead-function-is-given-back
    await core.store.update(key, leavePlace(slot));
    freed = true;
  });
  return freed;
}

/** The slot still waits for its worker, although its deadline has passed. */
function isOverdue({ limits, clock }: Core, lane: Lane | undefined, slot: SlotId): boolean {
  const ends = after(lane?.since ?? epochMs(0), toMs(limits.queueTimeoutSeconds));
  return lane !== undefined && unclaimedSlot(lane) === slot && clock.now() > ends;
}
