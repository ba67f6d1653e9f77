import { after, between, epochMs, toMs, toWholeSeconds } from '../../config/units.ts';
import type { Core } from '../core.ts';
import type { TurnJob } from '../ports.ts';
import { laneKey, sessionKey } from '../store/keys.ts';
import { hasWorkFor, unclaimedSlot } from '../store/lane/lane.ts';
import { reportOutcomes } from './outcomes.ts';
import { rejectSlot, releaseSlot } from './slots.ts';

/**
 * Handles the deadline of a slot: if no worker has claimed it in time, its messages are answered `SESSION_QUEUE_TIMEOUT`
 * now, and not when the session or an execution environment becomes free.
 */
export async function deadlinePassed(core: Core, job: TurnJob): Promise<void> {
  const key = laneKey(job.session, job.lane);
  const lane = await core.store.get(key);
  if (lane && hasWorkFor(lane, job.slot)) {
    const limit = toMs(core.limits.queueTimeoutSeconds);
    // Behind its own lane's turn a message waits because its sender asked for that. Its time begins afterwards.
    const left =
      lane.slot === job.slot ? between(core.clock.now(), after(lane.since ?? epochMs(0), limit)) : limit;
    const begun = lane.slot === job.slot && unclaimedSlot(lane) === undefined;
    if (begun) return;
    if (left > 0) {
      await core.queues.sendDeadline(job, toWholeSeconds(left));
      return;
    }
    if (!(await rejectSlot(core, job, 'SESSION_QUEUE_TIMEOUT'))) return;
  } else if (!(await isQueued(core, job))) {
    // Nearly every deadline ends here: the turn was over in time.
    return;
  }
  // Others find the message by the slot's place in the queue, so its outcome is reported first.
  await reportOutcomes(core, job.lane, await core.store.get(key));
  await releaseSlot(core, job);
}

/** Whether a slot that its lane no longer needs was left in the queue. */
async function isQueued(core: Core, { session, slot }: TurnJob): Promise<boolean> {
  const read = await core.store.get(sessionKey(session));
  return read !== undefined && Object.hasOwn(read.queue, slot);
}
