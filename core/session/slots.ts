import type { Core } from '../core.ts';
import { expiry } from '../core.ts';
import type { TurnJob } from '../ports.ts';
import type { Session, WithdrawalCode } from '../store/items.ts';
import { laneKey, sessionKey } from '../store/keys.ts';
import { hasWorkFor } from '../store/lane/lane.ts';
import { rejectUnclaimed, rejectWaiting } from '../store/lane/withdraw.ts';
import { admit, release } from '../store/session-writes.ts';
import { reportOutcomes } from './outcomes.ts';

/** An opener that is alive has sent its token long before. */
export const OPENER_GRACE_MS = 3000;

/** Why a slot is not admitted. A session that is not there has expired, or was deleted long ago. */
type Refusal = Extract<WithdrawalCode, 'SESSION_QUEUE_FULL' | 'SESSION_DELETED'>;

/**
 * Admits a slot to its session's queue and sends its token. Done by whoever is about to acknowledge a message on a turn
 * that nobody has claimed, again if need be: that is the repair when an earlier sender died between its write and
 * this. Admitting twice is admitting once, and a worker that finds a slot over just deletes its token.
 */
export async function openSlot(core: Core, job: TurnJob): Promise<{ ahead: number } | Refusal> {
  // Sent while it is admitted: a worker that comes first admits it by activating it, and one that comes for what was
  // refused finds nothing to do.
  const [admission, sending] = await Promise.allSettled([
    admitSlot(core, job),
    core.queues.sendJob(job, core.newId()),
  ]);
  if (admission.status === 'rejected') throw admission.reason;
  if (sending.status === 'rejected') throw sending.reason;
  const admitted = admission.value;
  if (typeof admitted === 'string') return admitted;
  // Alone in the queue it starts at once; behind others its client must hear in time that it will not.
  if (admitted.ahead > 0) await core.queues.sendDeadline(job, core.limits.queueTimeoutSeconds);
  return admitted;
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

async function refusalOf(core: Core, session: string): Promise<Refusal | undefined> {
  const read = await core.store.get(sessionKey(session));
  if (!read || read.deleted !== undefined) return 'SESSION_DELETED';
  return (await pruneQueue(core, session, read)) ? undefined : 'SESSION_QUEUE_FULL';
}

/**
 * Makes room where dead functions left places taken, and says whether it did. Where a worker is needed, a token calls one:
 * where nothing runs, for the active slot, which is over and nobody rolled it, and for those that wait, since their
 * openers may have died before they sent the token. No client of their own may ever come back to repair those.
 */
async function pruneQueue(core: Core, session: string, read: Session): Promise<boolean> {
  if (Object.keys(read.queue).length < core.limits.sessionTurns) return true;
  let freed = false;
  const kept: (TurnJob & { at: number; runs: boolean })[] = [];
  for (const [slot, { lane: laneId, at }] of Object.entries(read.queue)) {
    const token = { session, lane: laneId, slot };
    const isActive = read.active?.slot === slot;
    const lane = await core.store.get(laneKey(session, laneId));
    if (isActive || hasWorkFor(lane, slot)) {
      kept.push({ ...token, at, runs: isActive && hasWorkFor(lane, slot) && lane?.lease !== undefined });
      continue;
    }
    // By its place in the queue others find what was withdrawn, so its outcome is told first.
    await reportOutcomes(core, laneId, lane);
    await releaseSlot(core, token);
    freed = true;
  }
  // Behind a turn that runs, the others wait as they should.
  const oneRuns = kept.some(({ runs }) => runs);
  for (const { at, runs: _, ...token } of kept) {
    if (!oneRuns && core.clock.now() - at > OPENER_GRACE_MS) await core.queues.sendJob(token, core.newId());
  }
  return freed;
}

/**
 * Refuses a slot that no worker has claimed: its messages leave the lane for `notices`, and nothing of them is stored
 * (P2). Says nothing when the slot has begun or is over: then it has an answer of its own.
 */
export async function rejectSlot(core: Core, job: TurnJob, code: WithdrawalCode): Promise<boolean> {
  const key = laneKey(job.session, job.lane);
  for (;;) {
    const lane = await core.store.get(key);
    if (!lane) return false;
    const waiting = Object.entries(lane.waiting).find(([, message]) => message.turn === job.slot);
    const update = waiting
      ? rejectWaiting(waiting[0], waiting[1], code)
      : lane.slot === job.slot && lane.turn === job.slot && lane.lease === undefined
        ? rejectUnclaimed(lane, job.slot, code, core.clock.now(), expiry(core).lane)
        : undefined;
    if (!update) return false;
    if ((await core.store.update(key, update)).ok) return true;
  }
}

export async function releaseSlot(core: Core, job: TurnJob): Promise<void> {
  await core.store.update(sessionKey(job.session), release(job.slot));
}
