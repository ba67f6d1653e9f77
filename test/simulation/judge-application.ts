import type { Evidence, Witness } from './evidence.ts';
import type { Stored } from './stored.ts';

/**
 * What the application has sent is marked, and nothing else. Of one message and its further tries, at most one is in the transcript
 * (P10), and none if a user has withdrawn it (P2).
 */
export function judgeApplication(cloud: Evidence, devices: readonly Witness[], { outcomes }: Stored): void {
  const sent = new Set(
    devices.flatMap(({ isApplication, sent: all }) => (isApplication ? [...all.keys()] : [])),
  );
  const applied = new Set<string>();
  for (const event of cloud.committed.values()) {
    if (event.type !== 'applied') continue;
    for (const { id, from } of event.messages) {
      applied.add(id);
      if ((from === 'system') !== sent.has(id))
        cloud.violated('P1', `${id} was applied as if ${from ?? 'a user'} had sent it`);
    }
  }
  for (const [id, tries] of Map.groupBy(sent, (one) => one.split('~')[0])) {
    const times = tries.filter((one) => applied.has(one)).length;
    if (times > 1) cloud.violated('P10', `${id} is in the transcript ${times} times, in several tries`);
    const isWithdrawn = tries.some((one) => {
      const outcome = outcomes.get(one);
      return outcome?.outcome === 'withdrawn' && outcome.code === 'cancelled';
    });
    if (isWithdrawn && times > 0)
      cloud.violated('P2', `${id} was withdrawn by a user, and is in the transcript all the same`);
  }
}
