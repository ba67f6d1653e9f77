import type { EpochSeconds } from '../../config/units.ts';
import type { Core } from '../core.ts';
import { expiry } from '../core.ts';
import type { ConnectionId, SessionId } from '../ids.ts';
import { leaveSession, openSession, viewSession } from '../session/sessions.ts';
import { dropToken, keepToken } from '../session/user-token.ts';
import type { Principal } from '../store/items.ts';
import { connectionKey } from '../store/keys.ts';

/**
 * `$connect`: makes the session, a lane, and the connection item, which the first frame finds by its id.
 *
 * @returns false: the session is half a fork, and nobody is connected to it
 */
export async function registerConnection(
  core: Core,
  id: ConnectionId,
  {
    token,
    ...who
  }: {
    principal: Principal;
    sessionId: SessionId;
    name?: string;
    /** What proved the principal, if it is to be kept. */
    token?: string;
    tokenExpires?: EpochSeconds;
    claims?: string;
  },
): Promise<boolean> {
  const opened = await openSession(core, { ...who, connection: id });
  if (!opened) return false;
  const { sealToken } = core;
  const kept =
    token !== undefined &&
    sealToken &&
    keepToken(core, id, { ...who, ...opened }, (binding) => sealToken(token, binding));
  await Promise.all([
    kept,
    // If absent: a late duplicate of this request must not undo what the first frame has chosen.
    core.store.putIfAbsent(connectionKey(id), {
      ...who,
      ...opened,
      ...(kept && { keepsToken: true }),
      made: core.clock.now(),
      expires: expiry(core).connection,
    }),
  ]);
  return true;
}

/**
 * `$disconnect`. API Gateway delivers it with best effort, and nothing depends on it. The turn runs on (P14). The connection
 * is no longer posted to, a little earlier than its first `GoneException` would have it.
 */
export async function closeConnection(core: Pick<Core, 'store'>, id: ConnectionId): Promise<void> {
  const connection = await core.store.get(connectionKey(id));
  if (!connection) return;
  if (connection.keepsToken) await dropToken(core, id);
  // rule: disconnect-stops-no-turn
  const { laneId } = await viewSession(core, connection.session);
  await leaveSession(core, connection.session, id, laneId);
  await core.store.delete(connectionKey(id));
}
