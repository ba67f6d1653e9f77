import type { ConnectFrame } from '../../protocol/client-frames.ts';
import type { Core } from '../core.ts';
import type { TurnEvent } from '../events.ts';
import { frameOf, isEnd, mergeEvents, textOf } from '../events.ts';
import { tellFates } from '../fates.ts';
import type { Connection } from '../items.ts';
import { byTurn, decodeTail, readEvents } from '../journal.ts';
import { laneKey } from '../keys.ts';
import { reply } from '../replies.ts';
import { lastSeq, viewSession } from '../sessions.ts';
import { sendSessionStart } from './greet.ts';
import { repairLane } from './repair.ts';

/** Answers `connect`: `session_start`, the events that the client missed, the fates that it has not heard, `connected`. */
export async function connect(
  core: Core,
  id: string,
  { connection, here }: { connection: Connection; here: boolean },
  frame: ConnectFrame,
): Promise<void> {
  if (!here) await sendSessionStart(core, id, connection);
  const after = frame.resume?.after_seq;
  if (after !== undefined) await replay(core, id, connection.session, after);
  await repairLane(core, connection.session, connection.lane);
  await tellFates(core, connection.lane, await core.store.get(laneKey(connection.lane)), id);
  await reply(core, id, { type: 'connected', message: `Listening to session ${connection.sessionId}.` });
}

/**
 * Each event after `after`, once and in order (P9). The connection listens already, so whatever is committed from now on
 * reaches it live; what reaches it twice has the same `seq`.
 */
async function replay(core: Core, id: string, session: string, after: number): Promise<void> {
  // The lane before the spilled events: what leaves its tail meanwhile is in EVENTS by then.
  const view = await viewSession(core, session);
  const tail = decodeTail(view.lane?.tail ?? []);
  const events = mergeEvents(await readEvents(core, session, after + 1), tail).filter(
    (event) => event.seq > after,
  );
  const first = events[0]?.seq ?? lastSeq(view) + 1;
  if (first > after + 1) {
    await reply(core, id, { type: 'history_gap', after_seq: after, available_from: first });
  }
  const turns = byTurn(events);
  for (const event of events) {
    const text = isEnd(event) ? await turnText(core, session, turns.get(event.turn) ?? [], event) : '';
    if (
      (await core.gateway.post(
        id,
        frameOf(event, () => text),
      )) === 'gone'
    )
      return;
  }
}

/** The turn's text for its end, read from its beginning where the client has that already. */
async function turnText(core: Core, session: string, known: TurnEvent[], end: TurnEvent): Promise<string> {
  if (known[0]?.type === 'turn_start' || !('first' in end)) return textOf(known);
  const earlier = await readEvents(core, session, end.first);
  return textOf(mergeEvents(earlier, known).filter((event) => event.turn === end.turn));
}
