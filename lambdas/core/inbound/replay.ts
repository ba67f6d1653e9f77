import type { Core } from '../core.ts';
import { mergeEvents } from '../events.ts';
import { decodeTail, readEvents, storedFrame } from '../journal.ts';
import { reply } from '../replies.ts';
import { lastSeq, viewSession } from '../sessions.ts';

/**
 * Each event after `after`, once and in order (P9). The connection listens already, so whatever is committed from now on
 * reaches it live; what reaches it twice has the same `seq`.
 */
export async function replay(core: Core, id: string, session: string, after: number): Promise<void> {
  // The lane before the spilled events: what leaves its tail meanwhile is in EVENTS by then.
  const view = await viewSession(core, session);
  const stored = mergeEvents(await readEvents(core, session, after + 1), decodeTail(view.lane?.tail ?? []));
  const events = stored.filter((event) => event.seq > after);
  const first = events[0]?.seq ?? lastSeq(view) + 1;
  if (first > after + 1) {
    await reply(core, id, { type: 'history_gap', after_seq: after, available_from: first });
  }
  for (const event of events) {
    if ((await core.gateway.post(id, await storedFrame(core, session, event, stored))) === 'gone') return;
  }
}
