import { type EpochSeconds, epochSeconds } from '../../config/units.ts';
import type { Principal } from '../../core/store/items.ts';

/**
 * What the authorizer returns. API Gateway puts it into the context of every event of the connection. All values are
 * strings: API Gateway turns others into strings, emulators of it do not.
 */
export interface AuthorizerContext {
  tenant: string;
  subject: string;
  /** All clients share this principal, so its frames and connections are not limited as one user's. */
  shared?: 'true';
  /** The source address by which clients of a shared principal are limited. Absent where they are not limited. */
  address?: string;
  /** When the token expires, in whole seconds since the epoch. Absent if it has no end. */
  expires?: string;
  /** What the token proved, as far as the deployment chose it: JSON text of an object. */
  claims?: string;
}

/** The principal of every client if authentication is off. */
export const ANYONE: AuthorizerContext = { tenant: 'local', subject: 'anonymous', shared: 'true' };

export interface Caller {
  principal: Principal;
  /** Whose rate limits apply: the principal, or a source address. Missing where nobody is counted. */
  countedFor?: Principal;
  /** When the token expires. Missing if it has no end. */
  tokenExpires?: EpochSeconds;
  /** What the token proved, as far as the deployment chose it: JSON text of an object. */
  claims?: string;
}

/** Reads the authorizer's context, also that of an earlier version, whose `shared` was a boolean. */
export function callerOf(requestContext: object): Caller | undefined {
  const { authorizer } = requestContext as { authorizer?: Record<string, unknown> | null };
  const { tenant, subject, shared, address, expires, claims } = authorizer ?? {};
  if (typeof tenant !== 'string' || typeof subject !== 'string' || !subject) return undefined;
  const principal = { tenant, subject };
  const countedFor = String(shared) === 'true' ? addressCount(address) : principal;
  return {
    principal,
    ...(countedFor && { countedFor }),
    ...(typeof claims === 'string' && { claims }),
    ...(expires !== undefined && expires !== null && { tokenExpires: epochSeconds(Number(expires)) }),
  };
}

/** An address is counted under the tenant with no name, which no token can prove. */
const addressCount = (address: unknown): Principal | undefined =>
  typeof address === 'string' && address !== '' ? { tenant: '', subject: address } : undefined;
