import type { Core } from '../core.ts';
import { expiry } from '../core.ts';
import type { TurnJob } from '../ports.ts';
import { retireSlot } from '../session/retire.ts';
import { keepListed } from '../session/session-list.ts';
import type { Session } from '../store/items.ts';
import { laneKey, sessionKey } from '../store/keys.ts';
import { hasWorkFor } from '../store/lane/lane.ts';
import { activate, deactivate, retire } from '../store/session-writes.ts';
import type { Suspended } from './approvals.ts';
import type { TurnContext } from './context.ts';
import { Fenced, Hold } from './hold.ts';
import { runTurn } from './turn.ts';

/**
 * What becomes of a token. `over`: its slot is over, delete it. `handover`: the turn goes on in a fresh invocation, make it
 * visible at once. `Suspended`: the turn waits for a person, make it visible after a while. `fenced`: another worker has the lane; report failure, never success, since whoever deletes by a
 * stale handle may delete the token that the other one needs.
 */
export type JobEnd = 'over' | 'handover' | 'fenced' | Suspended;

/** Each pass brings one slot forward; more than this means that two workers keep on disturbing each other. */
const MAX_PASSES = 100;

/** A token means "this slot has work". Whatever the lane shows of the slot, and of one that is active, is run to its end. */
export async function runJob(context: TurnContext, job: TurnJob): Promise<JobEnd> {
  const { core } = context;
  /** Slots run under this token that have none of their own any more, perhaps: they get one first, in case I die. */
  const lent = new Set<string>();
  const progress = { posted: 0 };
  for (let pass = 0; pass < MAX_PASSES; pass++) {
    const next = await nextSlot(core, job);
    if (next === 'over') return 'over';
    if (next === 'again') continue;
    const { laneId, slot } = next;
    if (slot !== job.slot && !lent.has(slot)) {
      lent.add(slot);
      await core.queues.sendJob({ ...job, lane: laneId, slot }, core.newId());
    }
    const end = await runSlot(context, { session: job.session, ...next }, progress);
    if (end === 'handover' || end === 'fenced' || typeof end === 'object') return end;
    if (end === 'over' && slot === job.slot) return 'over';
  }
  core.log.error('token: no end in sight, handed back', { slot: job.slot });
  return 'fenced';
}

/** A slot to be run, as its lane was read. */
interface NextSlot {
  laneId: string;
  slot: string;
  seq: number;
  /** As activated; undefined: it is not the active one yet. */
  sessionItem: Session | undefined;
}

/**
 * Nearly every token is of the slot that comes next, so that is activated while its lane is read. Where it is over, or waits
 * behind its own lane's turn, it is the active one for a moment: `session.active` is a hint for all others.
 */
async function nextSlot(core: Core, job: TurnJob): Promise<NextSlot | 'over' | 'again'> {
  const { session, lane: laneId, slot } = job;
  const [activating, reading] = await Promise.allSettled([
    activateSlot(core, session, laneId, slot),
    core.store.get(laneKey(session, laneId)),
  ]);
  const sessionItem = settledValue(activating);
  const lane = settledValue(reading);
  if (!sessionItem) return slotBefore(core, job);
  if (!lane?.slot || !hasWorkFor(lane, slot)) {
    await retireSlot(core, session, laneId, slot);
    return 'over';
  }
  if (lane.slot === slot) return { laneId, slot, seq: lane.seq, sessionItem };
  await core.store.update(sessionKey(session), deactivate(slot));
  return { laneId, slot: lane.slot, seq: lane.seq, sessionItem: undefined };
}

/** One turn at a time (P5): a slot whose worker died comes first. */
async function slotBefore(core: Core, { session, slot }: TurnJob): Promise<NextSlot | 'over' | 'again'> {
  const read = await core.store.get(sessionKey(session));
  if (read?.deleted !== undefined) return 'over';
  const active = read?.active;
  if (!active || active.slot === slot) return 'again';
  const lane = await core.store.get(laneKey(session, active.lane));
  if (lane?.slot === active.slot)
    return { laneId: active.lane, slot: active.slot, seq: lane.seq, sessionItem: undefined };
  await retireSlot(core, session, active.lane, active.slot);
  return 'again';
}

/** `again`: the lane or the session has moved on; look again. `over`: the slot is over and rolled. */
async function runSlot(
  context: TurnContext,
  where: NextSlot & { session: string },
  /** `posted`: the last event of the session that this invocation has posted. */
  progress: { posted: number },
): Promise<JobEnd | 'again'> {
  const { core } = context;
  const { session, laneId, slot, seq } = where;
  const sessionItem = where.sessionItem ?? (await activateSlot(core, session, laneId, slot));
  if (!sessionItem) return 'again';
  const [listing, taking] = await Promise.allSettled([
    keepListed(core, sessionItem),
    Hold.take(core, { session, laneId, slot, seq, sessionItem, posted: progress.posted }),
  ]);
  const hold = settledValue(taking);
  if (!hold) return 'again';
  try {
    const listed = settledValue(listing);
    const end = await runTurn(hold, context);
    if (end === 'handover') {
      await hold.handOver();
      return end;
    }
    if (end !== 'over') {
      await hold.suspend();
      return end;
    }
    progress.posted = hold.nextSeq - 1;
    if (hold.lane.slot === slot) {
      // A turn that follows from what was left in the inbox runs in the same slot, under the same token.
      await hold.spill();
      return 'again';
    }
    await retireLeased(hold, listed);
    return 'over';
  } catch (error) {
    if (!(error instanceof Fenced)) throw error;
    core.metrics.count('Fenced');
    core.log.warn('fenced', { turn: hold.turn, reason: error.message });
    return 'fenced';
  } finally {
    await hold.settled();
  }
}

async function activateSlot(
  core: Core,
  session: string,
  laneId: string,
  slot: string,
): Promise<Session | undefined> {
  const activated = await core.store.update(sessionKey(session), activate(slot, laneId, core.clock.now()));
  return activated.ok ? activated.item : undefined;
}

function settledValue<T>(settled: PromiseSettledResult<T>): T {
  if (settled.status === 'rejected') throw settled.reason;
  return settled.value;
}

/** A slot of mine is over: its events are in EVENTS before the session lets go of it, so that a resume finds them. */
async function retireLeased(hold: Hold, listed: number): Promise<void> {
  const { core, session, slot, lane, sessionItem } = hold;
  await hold.spill();
  // And posted: once it is let go, nobody looks again for what somebody may not have been sent.
  await hold.settled();
  const rolled = await core.store.update(
    sessionKey(session),
    retire(slot, sessionItem, lane.seq, lane.entry, expiry(core).session, listed),
  );
  if (!rolled.ok) await retireSlot(core, session, hold.laneId, slot);
}
