import { epochSeconds, expiresAfter, seconds } from '../../config/units.ts';
import type { Core } from '../core.ts';
import type { ConnectionId, LaneId, SessionKey } from '../ids.ts';
import type { Connection, Principal } from '../store/items.ts';
import { laneKey, tokenKey } from '../store/keys.ts';
import { tokenBinding } from '../store/token-items.ts';
import { UserTokenError } from '../user-token-error.ts';

/**
 * The tokens of users, for tools that the agent forwards them to. `$connect` seals what proved the principal, and a turn opens it when
 * a tool asks, never before: the token of the client whose message began the turn, as it is connected at that moment.
 */

/** API Gateway ends every connection after two hours. */
const LONGEST_CONNECTION = seconds(2 * 3600);

/** @param seal for this place */
export async function keepToken(
  { store, clock }: Pick<Core, 'store' | 'clock'>,
  id: ConnectionId,
  { session, principal, tokenExpires }: Pick<Connection, 'session' | 'principal' | 'tokenExpires'>,
  seal: (binding: string) => string,
): Promise<void> {
  const longest = expiresAfter(clock.now(), LONGEST_CONNECTION);
  const end = tokenExpires === undefined ? {} : { tokenExpires };
  await store.put(tokenKey(id), {
    sealed: seal(tokenBinding(id, principal, end)),
    ...end,
    session,
    expires: epochSeconds(Math.min(longest, tokenExpires ?? longest)),
  });
}

export const dropToken = ({ store }: Pick<Core, 'store'>, id: ConnectionId): Promise<void> =>
  store.delete(tokenKey(id));

/**
 * @param lane of the client whose message began the turn; undefined: none whose token is kept
 * @throws {UserTokenError}
 */
export async function userToken(
  { store, clock, log, openToken }: Pick<Core, 'store' | 'clock' | 'log' | 'openToken'>,
  { session, principal, lane }: { session: SessionKey; principal: Principal; lane: LaneId | undefined },
): Promise<string> {
  if (lane === undefined) throw new UserTokenError('TOKEN_ABSENT', ABSENT);
  const connection = (await store.get(laneKey(session, lane)))?.connection;
  const kept = connection && (await store.get(tokenKey(connection)));
  if (!kept) throw new UserTokenError('TOKEN_GONE', GONE);
  const now = clock.now() / 1000;
  // DynamoDB removes it up to two days late.
  if (kept.tokenExpires !== undefined && now >= kept.tokenExpires)
    throw new UserTokenError('TOKEN_EXPIRED', EXPIRED);
  if (now >= kept.expires) throw new UserTokenError('TOKEN_GONE', GONE);
  try {
    if (!openToken) throw new Error('This function has no private key.');
    return await openToken(kept.sealed, tokenBinding(connection, principal, kept));
  } catch (error) {
    // Its message quotes neither token nor key.
    log.error('the token of a user cannot be opened', { connection, error: String(error) });
    throw new UserTokenError('TOKEN_UNREADABLE', UNREADABLE);
  }
}

const ABSENT =
  'There is no token of a user: this turn was not begun by a user whose sign-in is known here. What needs it was not done.';
const GONE =
  "The user's token is gone: the connection that it came with is closed. What needs it was not done; it can be when the user is connected and asks again.";
const EXPIRED =
  "The user's token has expired. What needs it was not done; it can be when the user has signed in again and asks again.";
const UNREADABLE = "The user's token cannot be read. What needs it was not done.";
