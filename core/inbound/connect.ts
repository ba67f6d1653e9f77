import type { EpochMs } from '../../config/units.ts';
import type { Core } from '../core.ts';
import type { ConnectionId } from '../ids.ts';
import { reply } from '../replies.ts';
import { reportOutcomes } from '../session/outcomes.ts';
import type { Connection } from '../store/items.ts';
import { laneKey } from '../store/keys.ts';
import {
  type ConnectionChoice,
  catchUpAgain,
  isFirstConnect,
  type OpenedConnection,
  sendSessionStart,
} from './open-connection.ts';
import { repairLane } from './repair.ts';
import type { ReplayEnd } from './replay.ts';

/** Answers `connect`: `session_start`, missed events, outcomes that the client has not received, then `connected`. */
export async function connect(
  core: Core,
  id: ConnectionId,
  opened: OpenedConnection,
  wish: ConnectionChoice,
  until: EpochMs,
): Promise<void> {
  const end = await replayFor(core, id, opened, wish, until);
  // Left: the function that goes on answers. Superseded: the later `connect` is answered for both.
  if (end === 'live') await answerConnect(core, id, opened.connection);
}

async function replayFor(
  core: Core,
  id: ConnectionId,
  { connection, replay }: OpenedConnection,
  wish: ConnectionChoice,
  until: EpochMs,
): Promise<ReplayEnd> {
  // This frame has opened the connection. If another one took over, it has replayed from another place.
  if (replay !== undefined && replay !== 'superseded') return replay;
  if (replay === undefined && !(await isFirstConnect(core, id, wish)))
    await sendSessionStart(core, id, connection);
  const { after } = wish;
  return after === undefined ? 'live' : catchUpAgain(core, id, { ...wish, after }, until);
}

/** What follows the replay. */
export async function answerConnect(core: Core, id: ConnectionId, connection: Connection): Promise<void> {
  await repairLane(core, connection.session, connection.lane);
  const lane = await core.store.get(laneKey(connection.session, connection.lane));
  // The lane was removed with its session, and its client was notified.
  if (!lane) return;
  await reportOutcomes(core, connection.lane, lane, id);
  await reply(core, id, { type: 'connected', message: `Listening to session ${connection.sessionId}.` });
}
