import type { Principal } from '../../core/store/items.ts';

/** What the authorizer says of a connection, in the context of every event that its frames cause. */
export interface AuthorizerContext {
  tenant: string;
  subject: string;
  /** Everybody is this one principal: what it does is not counted as one person's. */
  shared?: boolean;
}

export interface Caller {
  principal: Principal;
  /** Whose frames and connections are counted, if anybody's. */
  countedFor?: Principal;
}

/** As the authorizer proved it; API Gateway makes strings of all that it said. */
export function callerOf(requestContext: object): Caller | undefined {
  const { authorizer } = requestContext as { authorizer?: Record<string, unknown> | null };
  const { tenant, subject, shared } = authorizer ?? {};
  if (typeof tenant !== 'string' || typeof subject !== 'string' || !subject) return undefined;
  const principal = { tenant, subject };
  return shared === 'true' ? { principal } : { principal, countedFor: principal };
}
