import type { EpochSeconds } from '../../config/units.ts';
import type { ConnectionId, SessionKey } from '../ids.ts';
import type { Principal } from './items.ts';

/** The token that a connection was opened with, for tools with `forwardToken`. Removed with the connection. */
export interface KeptToken {
  /** Sealed, for exactly this place: `tokenBinding`. */
  sealed: string;
  /** When the token expires. Absent if it has no end. */
  tokenExpires?: EpochSeconds;
  /** Of the principal: whoever deletes all of it finds it by this. */
  session: SessionKey;
  /** With the token, or when API Gateway has ended the connection. */
  expires: EpochSeconds;
}

/** What a kept token is sealed for: moved to another connection or principal, or with another end, it cannot be opened. */
export const tokenBinding = (
  connection: ConnectionId,
  { tenant, subject }: Principal,
  { tokenExpires }: Pick<KeptToken, 'tokenExpires'>,
): string => JSON.stringify([connection, tenant, subject, tokenExpires ?? null]);
