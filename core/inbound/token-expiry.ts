import {
  after,
  between,
  type EpochMs,
  epochMs,
  type Milliseconds,
  milliseconds,
} from '../../config/units.ts';
import type { ErrorReply } from '../../protocol/server-frames.ts';
import type { Core } from '../core.ts';
import type { ConnectionId } from '../ids.ts';
import { closeConnection } from '../post.ts';
import { errorReply, reply } from '../replies.ts';
import type { Connection } from '../store/items.ts';

/**
 * A token proves who connects until it expires. Frames that arrive later are refused. The connection still receives events,
 * so that the running turn is seen to its end, until its client replaces it or API Gateway ends it.
 */

/**
 * How long after its token's end a connection is still served. The issuer's clock and ours may differ, and a client that was
 * given a token which was about to expire has time to fetch the next one.
 */
const LEEWAY_MS = milliseconds(60_000);
/** After this time a refused frame also closes the connection: its client does not react to `TOKEN_EXPIRED`, but to a close. */
const CLOSED_AFTER_MS = milliseconds(120_000);

const endOf = ({ tokenExpires }: Connection): EpochMs =>
  epochMs(tokenExpires === undefined ? Number.POSITIVE_INFINITY : tokenExpires * 1000);

/** Whether a frame that arrived at `receivedAt` is refused. */
export const isExpired = (connection: Connection, receivedAt: EpochMs): boolean =>
  receivedAt > after(endOf(connection), LEEWAY_MS);

/** How long the token is still valid. Undefined: it has no end. */
export function tokenExpiresIn(connection: Connection, now: EpochMs): Milliseconds | undefined {
  if (connection.tokenExpires === undefined) return undefined;
  return milliseconds(Math.max(0, between(now, endOf(connection))));
}

/** Answers a frame on a connection whose token has expired. Nothing of the frame is stored. */
export async function refuseExpired(
  core: Core,
  id: ConnectionId,
  connection: Connection,
  receivedAt: EpochMs,
  about: string | undefined,
): Promise<void> {
  await reply(core, id, tokenExpired(about));
  if (receivedAt > after(endOf(connection), CLOSED_AFTER_MS))
    await closeConnection(core, id, 'token expired');
}

const tokenExpired = (id: string | undefined): ErrorReply =>
  errorReply('TOKEN_EXPIRED', 'The token of this connection has expired; connect with a new one.', {
    ...(id !== undefined && { id }),
  });
