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
}

/** The principal of every client if authentication is off. */
export const ANYONE: AuthorizerContext = { tenant: 'local', subject: 'anonymous', shared: 'true' };

export interface Caller {
  principal: Principal;
  /** The principal whose rate limits apply. Missing for a shared principal. */
  countedFor?: Principal;
}

/** Reads the authorizer's context, also that of an earlier version, whose `shared` was a boolean. */
export function callerOf(requestContext: object): Caller | undefined {
  const { authorizer } = requestContext as { authorizer?: Record<string, unknown> | null };
  const { tenant, subject, shared } = authorizer ?? {};
  if (typeof tenant !== 'string' || typeof subject !== 'string' || !subject) return undefined;
  const principal = { tenant, subject };
  return String(shared) === 'true' ? { principal } : { principal, countedFor: principal };
}
