import { isDeepStrictEqual } from 'node:util';
import { isUnfit, optionsOf } from './contexts.ts';
import type { Evidence, Witness } from './evidence.ts';

/**
 * The context of a turn is that of its first message, it is committed once, and each model call and tool of the turn is given it,
 * also after a take-over (P8, P11). A message whose options do not fit is in no turn (P2).
 */
export function judgeContexts(cloud: Evidence, devices: readonly Witness[]): void {
  if (!cloud.setups) return;
  const sent = new Set(devices.flatMap((device) => [...device.sent.keys()]));
  const starts = new Map<string, { options?: unknown; prepared?: unknown }>();
  for (const event of cloud.committed.values()) {
    if (event.type === 'turn_start') {
      const { context = {}, message_ids: ids } = event;
      starts.set(event.turn, context);
      const [first = ''] = ids;
      const given = optionsOf(first) ?? {};
      if (sent.has(first) && !isDeepStrictEqual(context.options, given))
        cloud.violated('P11', `turn ${event.turn} began with ${first}, and has other options`);
      if (context.prepared === undefined)
        cloud.violated('P11', `turn ${event.turn} began without what was prepared`);
    }
    if (event.type !== 'applied') continue;
    for (const { id } of event.messages)
      if (isUnfit(id)) cloud.violated('P2', `${id} was applied, and its options do not fit`);
  }
  for (const { caller, prepared } of cloud.setups) {
    const start = starts.get(caller.turnId);
    if (!isDeepStrictEqual([caller.options, prepared], [start?.options, start?.prepared])) {
      cloud.violated('P11', `the code was given another context than turn ${caller.turnId} began with`);
      return;
    }
  }
  for (const { sent: messages } of devices)
    for (const { id, outcome } of messages.values())
      if (outcome === 'OPTIONS_INVALID' && !isUnfit(id))
        cloud.violated('P2', `${id} was refused for its options, which fit`);
}
