import { type Evidence, isDeletion, isWaiting, type Witness } from './evidence.ts';

/** What holds for a deleted session, beside what holds for every session. */
export function judgeDeletion(cloud: Evidence, devices: readonly Witness[]): void {
  // A connection item is removed with its socket, not with the session. The count of turns is the principal's.
  for (const { pk, sk, item } of cloud.table.all()) {
    const isTombstone = sk === '-' && 'deleted' in item;
    const isOther = pk.startsWith('CONNECTION#') || pk.startsWith('TURNS#') || pk.startsWith('SPEND#');
    if (!isOther && !isTombstone) cloud.violated('deletion', `${pk} ${sk} is left`);
  }
  const events = [...cloud.committed.values()].sort((a, b) => a.seq - b.seq);
  const end = events.findIndex(isDeletion);
  if (end >= 0 && end < events.length - 1)
    cloud.violated('deletion', `event ${events[end + 1]?.seq} comes after the end of the session`);
  const times = new Map<string, number>();
  for (const event of events) {
    if (event.type !== 'applied') continue;
    for (const { id } of event.messages) times.set(id, (times.get(id) ?? 0) + 1);
  }
  for (const device of devices) {
    for (const message of device.sent.values()) {
      const count = times.get(message.id) ?? 0;
      if (count > 1) cloud.violated('P10', `${message.id} is in the transcript ${count} times`);
      if (device.bereft || !device.online) continue;
      if (count === 0 && message.acknowledgedAt !== undefined && !message.outcome)
        cloud.violated('P1', `${message.id} was accepted, was deleted with its session, and has no outcome`);
      if (count === 0 && isWaiting(message))
        cloud.violated('liveness', `${message.id}, to a deleted session, never got an answer`);
    }
  }
  if (cloud.queued > 0) cloud.violated('liveness', 'a job is never consumed');
}
