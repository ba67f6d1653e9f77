import type { ConnectFrame } from '../../protocol/client-frames.ts';
import type { Core } from '../core.ts';
import type { ConnectionId } from '../ids.ts';
import { reply } from '../replies.ts';
import { reportOutcomes } from '../session/outcomes.ts';
import type { Connection } from '../store/items.ts';
import { laneKey } from '../store/keys.ts';
import { isFirstConnect, sendSessionStart } from './open-connection.ts';
import { repairLane } from './repair.ts';
import { catchUp } from './replay.ts';

/** Answers `connect`: `session_start`, missed events, outcomes that the client has not received, then `connected`. */
export async function connect(
  core: Core,
  id: ConnectionId,
  { connection, here }: { connection: Connection; here: boolean },
  frame: ConnectFrame,
): Promise<void> {
  if (!here && !(await isFirstConnect(core, id))) await sendSessionStart(core, id, connection);
  const after = frame.resume?.after_seq;
  // The frame that opened the connection has replayed already.
  if (!here && after !== undefined) await catchUp(core, id, connection.session, after);
  await repairLane(core, connection.session, connection.lane);
  const lane = await core.store.get(laneKey(connection.session, connection.lane));
  // The lane was removed with its session, and its client was notified.
  if (!lane) return;
  await reportOutcomes(core, connection.lane, lane, id);
  await reply(core, id, { type: 'connected', message: `Listening to session ${connection.sessionId}.` });
}
