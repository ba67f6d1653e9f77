import type { Principal } from '../../core/store/items.ts';

/** What the authorizer returns. API Gateway puts it into the context of every event of the connection. */
export interface AuthorizerContext {
  tenant: string;
  subject: string;
  /** All clients share this principal, so its frames and connections are not limited as one user's. */
  shared?: boolean;
}

export interface Caller {
  principal: Principal;
  /** The principal whose rate limits apply. Missing for a shared principal. */
  countedFor?: Principal;
}

/** Reads the authorizer's context. API Gateway turns each of its values into a string. */
export function callerOf(requestContext: object): Caller | undefined {
  const { authorizer } = requestContext as { authorizer?: Record<string, unknown> | null };
  const { tenant, subject, shared } = authorizer ?? {};
  if (typeof tenant !== 'string' || typeof subject !== 'string' || !subject) return undefined;
  const principal = { tenant, subject };
  return shared === 'true' ? { principal } : { principal, countedFor: principal };
}
