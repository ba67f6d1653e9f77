import { type EpochMs, milliseconds } from '../../config/units.ts';
import type { Core } from '../core.ts';
import { expiry } from '../core.ts';
import { decodeEvents } from '../events/events.ts';
import { byId, type SessionKey, slotOf } from '../ids.ts';
import type { TurnJob } from '../ports.ts';
import type { Lane, Session, WithdrawalCode } from '../store/items.ts';
import { laneKey, sessionKey } from '../store/keys.ts';
import { hasWorkFor, unclaimedSlot } from '../store/lane/lane.ts';
import { rejectUnclaimed, rejectWaiting } from '../store/lane/withdraw.ts';
import { admit, release } from '../store/session-writes.ts';
import { removeContents } from './pending-content.ts';
import { retireSlot } from './retire.ts';
import { enterFlight, leaveFlight } from './turns-in-flight.ts';

/** A function that is alive has sent its turn job long before. */
export const OPENER_GRACE_MS = milliseconds(3000);

/** Why a slot is not admitted. A session that does not exist has expired, or was deleted long ago. */
type Refusal = Extract<WithdrawalCode, 'SESSION_QUEUE_FULL' | 'TOO_MANY_TURNS' | 'SESSION_DELETED'>;

/**
 * Admits a slot to its session's queue and sends its turn job. Every function that acknowledges a message on an unclaimed
 * turn does this first, which also repairs a turn whose opener died between its write and this. Admitting is idempotent,
 * and a worker that finds a slot over deletes the job.
 */
export async function openSlot(core: Core, job: TurnJob): Promise<{ ahead: number } | Refusal> {
  // Before the job: a turn that is refused must not begin.
  // rule: place-taken-before-job
  if (!(await enterFlight(core, job))) return 'TOO_MANY_TURNS';
  // The job is sent while the slot is admitted. A worker that is first admits the slot by activating it. A worker of a
  // refused slot finds nothing to do, nor does its deadline. Every slot has one, after which its client is answered: a turn
  // that is alone in its session may wait for an execution environment.
  const [admission, ...sending] = await Promise.allSettled([
    admitSlot(core, job),
    core.queues.sendJob(job, /* rule: job-id-is-new */ core.newId()),
    core.queues.sendDeadline(job, core.limits.queueTimeoutSeconds),
  ]);
  if (admission.status === 'rejected') throw admission.reason;
  for (const sent of sending) if (sent.status === 'rejected') throw sent.reason;
  if (typeof admission.value !== 'string')
    core.milestones.reached('turn enqueued', job.session, {
      lane: job.lane,
      slot: job.slot,
      ahead: admission.value.ahead,
    });
  return admission.value;
}

async function admitSlot(core: Core, { session, lane, slot }: TurnJob): Promise<{ ahead: number } | Refusal> {
  const key = sessionKey(session);
  for (;;) {
    const now = core.clock.now();
    const admitted = await core.store.update(key, admit(slot, lane, now, core.limits.sessionTurns));
    if (admitted.ok) return { ahead: Object.keys(admitted.item.queue).length - 1 };
    const refusal = await refusalOf(core, session);
    if (refusal) return refusal;
  }
}

async function refusalOf(core: Core, session: SessionKey): Promise<Refusal | undefined> {
  const read = await core.store.get(sessionKey(session));
  if (!read || read.deleted !== undefined) return 'SESSION_DELETED';
  return /* rule: full-queue-is-pruned */ (await pruneQueue(core, session, read))
    ? undefined
    : 'SESSION_QUEUE_FULL';
}

/**
 * Makes room in the queue by removing slots that dead functions left there, and one that was refused and is active for a
 * moment. If no turn runs, it also sends a new job for the active slot, whose turn may be over and not retired, and for the
 * waiting ones, whose openers may have died before they sent the job. Their own clients may never come back to repair them.
 *
 * @returns whether there is room now
 */
async function pruneQueue(core: Core, session: SessionKey, read: Session): Promise<boolean> {
  if (Object.keys(read.queue).length < core.limits.sessionTurns) return true;
  let freed = false;
  const kept: (TurnJob & { at: EpochMs; runs: boolean })[] = [];
  for (const [slot, { lane: laneId, at }] of byId(read.queue)) {
    const token = { session, lane: laneId, slot };
    const isActive = read.active?.slot === slot;
    const lane = await core.store.get(laneKey(session, laneId));
    const hasWork = hasWorkFor(lane, slot);
    // What an ended turn has left is for its worker.
    if (hasWork || (isActive && hasUnspilled(lane, read))) {
      kept.push({ ...token, at, runs: isActive && hasWork && lane?.lease !== undefined });
      continue;
    }
    // The worker of a refused slot's job activates it before it finds nothing to do (`nextSlot` in core/turn/worker.ts).
    await retireSlot(core, session, laneId, slot);
    freed = true;
  }
  // Behind a running turn the others wait as they should.
  const oneRuns = kept.some(({ runs }) => runs);
  for (const { at, runs: _, ...token } of kept) {
    if (!oneRuns && core.clock.now() - at > OPENER_GRACE_MS) await core.queues.sendJob(token, core.newId());
  }
  return freed;
}

const hasUnspilled = (lane: Lane | undefined, { seq }: Session): boolean =>
  decodeEvents(lane?.unspilled ?? []).some((event) => event.seq > seq);

/**
 * Rejects a slot that no worker has claimed: its messages move to `undelivered`, and nothing of them is stored (P2).
 *
 * @returns false if the slot has begun or is over: then its messages have answers of their own
 */
export async function rejectSlot(core: Core, job: TurnJob, code: WithdrawalCode): Promise<boolean> {
  const key = laneKey(job.session, job.lane);
  for (;;) {
    const lane = await core.store.get(key);
    if (!lane || !hasWorkFor(lane, job.slot)) {
      // Another function rejected it, perhaps before this one took a place for it.
      await leaveFlight(core, job);
      return false;
    }
    const waiting = byId(lane.waiting).find(([, message]) => slotOf(message.turn) === job.slot);
    const update = waiting
      ? rejectWaiting(waiting[0], waiting[1], code)
      : unclaimedSlot(lane) === job.slot
        ? rejectUnclaimed(lane, job.slot, code, core.clock.now(), expiry(core).lane)
        : undefined;
    if (!update) return false;
    if (!(await core.store.update(key, update)).ok) continue;
    // Not earlier: this function may have sent the slot's job, or another one that opens it, and its turn may begin.
    // rule: rejected-slot-leaves-its-place
    await leaveFlight(core, job);
    // rule: rejected-content-removed
    await removeContents(core, job.session, waiting ? [waiting[1]] : Object.values(lane.inbox));
    return true;
  }
}

export async function releaseSlot(core: Core, job: TurnJob): Promise<void> {
  await core.store.update(sessionKey(job.session), release(job.slot));
}
