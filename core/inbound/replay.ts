import type { Core } from '../core.ts';
import { decodeEvents, mergeEvents } from '../events/events.ts';
import { readEvents, storedFrame } from '../events/journal.ts';
import type { ConnectionId, SessionKey } from '../ids.ts';
import { post } from '../post.ts';
import { reply } from '../replies.ts';
import { joinSession, viewSession } from '../session/sessions.ts';
import { CATCHING_UP, LIVE } from '../store/items.ts';

/**
 * Sends each event after `after` once and in order, then lets live events through (P9). A connection has one writer at a time:
 * this function replays what was committed when the connection joined, and the turn's worker keeps what follows until then.
 */
export async function catchUp(
  core: Core,
  id: ConnectionId,
  session: SessionKey,
  after: number,
): Promise<void> {
  await sendMissed(core, id, session, after);
  await joinSession(core, session, id, /* rule: live-after-replay */ LIVE);
}

/** The replay alone. The caller then makes the connection live. */
export async function sendMissed(
  core: Core,
  id: ConnectionId,
  session: SessionKey,
  after: number,
): Promise<void> {
  const { lastSeq } = await joinSession(core, session, id, /* rule: replay-before-live */ CATCHING_UP);
  // rule: replay-after-join
  await replay(core, id, session, after, lastSeq);
}

/** Posts the events after `after`, up to `until`. A `history_gap` reports those that have expired. */
async function replay(
  core: Core,
  id: ConnectionId,
  session: SessionKey,
  after: number,
  until: number,
): Promise<void> {
  if (until <= after) return;
  // The lane is read before the spilled events: an event that leaves the lane meanwhile is in `EVENTS` by then.
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
  for (const event of /* rule: replay-is-complete */ events) {
    if ((await post(core, id, await storedFrame(core, session, event, stored))) === 'gone') return;
  }
}
