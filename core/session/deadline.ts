import type { Core } from '../core.ts';
import type { TurnJob } from '../ports.ts';
import { laneKey } from '../store/keys.ts';
import { hasWorkFor } from '../store/lane/lane.ts';
import { reportOutcomes } from './outcomes.ts';
import { rejectSlot, releaseSlot } from './slots.ts';

/**
 * A slot's wait may be over: if no worker has claimed it, its messages are answered `SESSION_QUEUE_TIMEOUT` now, not
 * when the session happens to get free.
 */
export async function deadlinePassed(core: Core, job: TurnJob): Promise<void> {
  const key = laneKey(job.session, job.lane);
  const lane = await core.store.get(key);
  if (lane && hasWorkFor(lane, job.slot)) {
    const seconds = core.limits.queueTimeoutSeconds;
    // Behind its own lane's turn a message waits because its sender asked for that; its time begins afterwards.
    const left =
      lane.slot === job.slot ? (lane.since ?? 0) + seconds * 1000 - core.clock.now() : seconds * 1000;
    const begun = lane.slot === job.slot && (lane.lease !== undefined || lane.turn !== job.slot);
    if (begun) return;
    if (left > 0) {
      await core.queues.sendDeadline(job, Math.ceil(left / 1000));
      return;
    }
    if (!(await rejectSlot(core, job, 'SESSION_QUEUE_TIMEOUT'))) return;
  }
  // Its outcome is known before its place in the queue is gone, by which others find it.
  await reportOutcomes(core, job.lane, await core.store.get(key));
  await releaseSlot(core, job);
}
