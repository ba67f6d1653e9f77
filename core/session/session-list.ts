import type { EpochSeconds } from '../../config/units.ts';
import { MAX_SESSIONS_LIMIT } from '../../protocol/limits.ts';
import { hasWords } from '../../protocol/search.ts';
import type { SessionSummary } from '../../protocol/server-frames.ts';
import type { Core } from '../core.ts';
import { expiry } from '../core.ts';
import type { Principal, Session } from '../store/items.ts';
import { listingAt, listingKey, listingPosition, sessionKey, sessionOf } from '../store/keys.ts';
import { originOf } from './fork-facts.ts';
import { isShown } from './sessions.ts';

/** Sort below and above every position of a list. */
const LOWEST = '';
const HIGHEST = '~';

/**
 * Puts a session into its principal's list when its first turn begins, and again only if the listing would expire before
 * the session.
 *
 * @returns until when it is listed. The session remembers it, so most turns cost no write.
 */
export async function keepListed(core: Core, item: Session): Promise<EpochSeconds> {
  const { session, listing: expires } = expiry(core);
  if (item.listed !== undefined && item.listed >= session) return item.listed;
  const { principal, sessionId, created } = item;
  await core.store.put(listingKey(principal, item), { sessionId, created, expires });
  return expires;
}

export interface SessionPage {
  sessions: SessionSummary[];
  /** Position of the next page. Absent on the last one. */
  next?: string;
}

/**
 * A page of a principal's sessions, newest first, as many as `limit` and `bytes` of JSON allow. A session that has expired
 * or was just deleted is left out, so a page may be short or empty although more pages follow.
 */
export async function listSessions(
  core: Pick<Core, 'store'>,
  principal: Principal,
  {
    after = HIGHEST,
    limit,
    bytes,
    query,
  }: {
    after?: string | undefined;
    limit: number;
    bytes: number;
    /** Words of names. A page is found among so many sessions as the largest page has. */
    query?: string | undefined;
  },
): Promise<SessionPage> {
  const most = query === undefined ? limit : MAX_SESSIONS_LIMIT;
  // One more than requested: the next page begins there.
  const places = await core.store.query(listingAt(principal, LOWEST), listingAt(principal, after), {
    backwards: true,
    limit: most + 1,
  });
  const found = await Promise.all(
    places.slice(0, most).map(({ sessionId }) => core.store.get(sessionKey(sessionOf(principal, sessionId)))),
  );
  const sessions: SessionSummary[] = [];
  let size = 0;
  for (const [i, place] of places.entries()) {
    const item = found[i];
    const isFound = query === undefined || hasWords(item?.name ?? '', query);
    const summary = isShown(item) && isFound ? summaryOf(item) : undefined;
    size += summary ? Buffer.byteLength(JSON.stringify(summary)) + 1 : 0;
    if (i === most || (summary && sessions.length === limit) || (size > bytes && sessions.length > 0)) {
      return { sessions, next: listingPosition(listingKey(principal, place)) };
    }
    if (summary) sessions.push(summary);
  }
  return { sessions };
}

const summaryOf = (session: Session): SessionSummary => {
  const { sessionId, name, agent, created, lastActive = created, entry } = session;
  return {
    session_id: sessionId,
    ...(name !== undefined && { name }),
    ...(agent !== undefined && { agent }),
    ...originOf(session),
    created_at: created,
    active_at: lastActive,
    message_count: entry,
  };
};
