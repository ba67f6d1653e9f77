import type { Core } from '../core.ts';
import type { Token } from '../ports.ts';
import { laneKey } from '../store/keys.ts';
import { holds } from '../store/lane-writes.ts';
import { tellFates } from './outcomes.ts';
import { dropSlot, releaseSlot } from './slots.ts';

/**
 * A slot's wait may be over: if no worker has claimed it, its messages are answered `SESSION_QUEUE_TIMEOUT` now, not
 * when the session happens to get free.
 */
export async function deadlinePassed(core: Core, token: Token): Promise<void> {
  const key = laneKey(token.session, token.lane);
  const lane = await core.store.get(key);
  if (lane && holds(lane, token.slot)) {
    const seconds = core.limits.queueTimeoutSeconds;
    // Behind its own lane's turn a message waits because its sender asked for that; its time begins afterwards.
    const left =
      lane.slot === token.slot ? (lane.since ?? 0) + seconds * 1000 - core.clock.now() : seconds * 1000;
    const begun = lane.slot === token.slot && (lane.holder !== undefined || lane.turn !== token.slot);
    if (begun) return;
    if (left > 0) {
      await core.queues.sendDeadline(token, Math.ceil(left / 1000));
      return;
    }
    if (!(await dropSlot(core, token, 'SESSION_QUEUE_TIMEOUT'))) return;
  }
  // Its fate is known before its place in the queue is gone, by which others find it.
  await tellFates(core, token.lane, await core.store.get(key));
  await releaseSlot(core, token);
}
