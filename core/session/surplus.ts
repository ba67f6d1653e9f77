import type { Core } from '../core.ts';
import { type ConnectionId, idsOf, type SessionKey } from '../ids.ts';
import { closeConnection } from '../post.ts';
import { errorReply, reply } from '../replies.ts';
import { connectionKey } from '../store/keys.ts';
import { leaveSession, type Position } from './sessions.ts';

/**
 * Closes the oldest connections of a session that has more than it may, since each event is posted to all of them. Each is told
 * why first, so that its client does not come back at once and close another one. It misses nothing: it resumes (P9).
 *
 * Connections that join at the same time close the same ones, because age is a total order. One that is gone without a
 * trace counts as the oldest.
 */
export async function closeSurplus(
  core: Core,
  session: SessionKey,
  { audience, active }: Position,
): Promise<void> {
  const limit = core.limits.sessionConnections;
  const surplus = idsOf(audience).length - limit;
  if (surplus <= 0) return;
  const byAge = (await Promise.all(idsOf(audience).map((id) => ageOf(core, id)))).sort(
    (a, b) => a.made - b.made || (a.id < b.id ? -1 : 1),
  );
  await Promise.all(
    byAge.slice(0, surplus).map(async ({ id }) => {
      const why = `The session has more than ${limit} connections, and this is the oldest.`;
      await reply(core, id, errorReply('TOO_MANY_CONNECTIONS', why, { limit }));
      await closeConnection(core, id, 'too many connections');
      await leaveSession(core, session, id, active?.lane);
    }),
  );
}

async function ageOf(core: Core, id: ConnectionId): Promise<{ id: ConnectionId; made: number }> {
  return { id, made: (await core.store.get(connectionKey(id)))?.made ?? 0 };
}
