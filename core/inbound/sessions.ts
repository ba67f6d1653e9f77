import type { RenameFrame, SessionsFrame } from '../../protocol/client-frames.ts';
import { DEFAULT_SESSIONS_LIMIT, MAX_FRAME_BYTES } from '../../protocol/limits.ts';
import type { Core } from '../core.ts';
import { asSessionId, idsOf, type SessionId } from '../ids.ts';
import { bytesOfJson } from '../json-bytes.ts';
import { errorReply, reply } from '../replies.ts';
import { deleteSession } from '../session/deletion.ts';
import { exportPage } from '../session/export.ts';
import { listSessions } from '../session/session-list.ts';
import { isShown } from '../session/sessions.ts';
import { sessionKey, sessionOf } from '../store/keys.ts';
import { nameForNow, rename } from '../store/session-writes.ts';
import type { Sender } from './acknowledge.ts';

/**
 * Frames about a principal's sessions, over a connection to any of them. Every key is made with the connection's principal,
 * so the sessions of others do not exist here (P12).
 */

/** Room for the frame around a page. */
const PAGE_BYTES = MAX_FRAME_BYTES - 512;

export async function sendSessions(core: Core, sender: Sender, frame: SessionsFrame): Promise<void> {
  const { after, limit = DEFAULT_SESSIONS_LIMIT, query } = frame;
  const bytes = PAGE_BYTES - bytesOfJson(query ?? '');
  const page = await listSessions(core, sender.connection.principal, { after, limit, query, bytes });
  await reply(core, sender.id, {
    type: 'sessions',
    ...page,
    ...asked(after),
    ...(query !== undefined && { query }),
  });
}

/** Renames a session and notifies its connections. */
export async function renameSession(
  core: Core,
  sender: Sender,
  { session_id: asked, name, provisional }: RenameFrame,
): Promise<void> {
  const session_id = asSessionId(asked);
  const key = sessionKey(keyOf(sender, session_id));
  const renamed = await core.store.update(key, provisional ? nameForNow(name) : rename(name));
  if (!renamed.ok) {
    const item = provisional && (await core.store.get(key));
    if (!item || item.deleted !== undefined) return replyNotFound(core, sender, session_id);
    await reply(
      core,
      sender.id,
      errorReply('SESSION_NAMED', 'The session has a name already.', { session_id }),
    );
    return;
  }
  const listeners = new Set([sender.id, ...idsOf(renamed.item.audience)]);
  // At the same time: one that does not answer does not hold up the others.
  await Promise.all(
    [...listeners].map((connection) => reply(core, connection, { type: 'renamed', session_id, name })),
  );
}

export async function sendExport(
  core: Core,
  sender: Sender,
  session_id: SessionId,
  after?: string,
): Promise<void> {
  const session = keyOf(sender, session_id);
  const item = await core.store.get(sessionKey(session));
  if (!isShown(item)) return replyNotFound(core, sender, session_id);
  const page = await exportPage(core, session, item, { after, bytes: PAGE_BYTES });
  await reply(core, sender.id, { type: 'export', session_id, ...page, ...asked(after) });
}

/** Deletes a session. The answer means that nothing of it can be written or shown any more. A repeat is answered alike. */
export async function removeSession(core: Core, sender: Sender, session_id: SessionId): Promise<void> {
  const found = await deleteSession(core, keyOf(sender, session_id), sender.id);
  if (!found) return replyNotFound(core, sender, session_id);
  await reply(core, sender.id, { type: 'deleted', session_id });
}

/** The page's position is in its answer, so that a client which asks twice does not mistake one page for the next. */
const asked = (after: string | undefined) => after !== undefined && { after };

const keyOf = ({ connection }: Sender, sessionId: SessionId) => sessionOf(connection.principal, sessionId);

async function replyNotFound(core: Core, sender: Sender, session_id: SessionId): Promise<void> {
  await reply(core, sender.id, errorReply('SESSION_NOT_FOUND', 'There is no such session.', { session_id }));
}
