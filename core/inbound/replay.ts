import type { Core } from '../core.ts';
import { decodeEvents, mergeEvents } from '../events/events.ts';
import { readEvents, storedFrame } from '../events/journal.ts';
import { reply } from '../replies.ts';
import { joinSession, viewSession } from '../session/sessions.ts';
import { CATCHING_UP, LIVE } from '../store/items.ts';

/**
 * Each event after `after`, once and in order, then live ones (P9). One writer at a time: what was committed when the
 * connection joined is replayed here, and what follows is kept by the turn's worker until this is done.
 */
export async function catchUp(core: Core, id: string, session: string, after: number): Promise<void> {
  await sendMissed(core, id, session, after);
  await joinSession(core, session, id, LIVE);
}

/** The first half: whoever calls this lets the connection listen afterwards. */
export async function sendMissed(core: Core, id: string, session: string, after: number): Promise<void> {
  const { lastSeq } = await joinSession(core, session, id, CATCHING_UP);
  await replay(core, id, session, after, lastSeq);
}

/** Posts the events after `after`, up to `until`. Those that have expired are answered by `history_gap`. */
async function replay(core: Core, id: string, session: string, after: number, until: number): Promise<void> {
  if (until <= after) return;
  // The lane before the spilled events: what leaves its tail meanwhile is in EVENTS by then.
  const view = await viewSession(core, session);
  const stored = mergeEvents(
    await readEvents(core, session, after + 1),
    decodeEvents(view.lane?.unspilled ?? []),
  );
  const events = stored.filter(({ seq }) => seq > after && seq <= until);
  const first = events[0]?.seq ?? until + 1;
  if (first > after + 1) {
    await reply(core, id, { type: 'history_gap', after_seq: after, available_from: first });
  }
  for (const event of events) {
    if ((await core.gateway.post(id, await storedFrame(core, session, event, stored))) === 'gone') return;
  }
}
