import { AsyncLocalStorage } from 'node:async_hooks';
import { createHash } from 'node:crypto';
import type { CallInput } from '../../core/elicitation.ts';
import { INPUT_REQUIRED, withInput } from './elicitation.ts';
import { messagesIn } from './messages-in.ts';
import { PROGRESS, progressOf } from './progress.ts';

type Fetch = typeof globalThis.fetch;

/** What holds for the requests of one call, or of one listing, and is forgotten with it. */
export interface CallScope {
  /** Of the user in whose name they are made. */
  token?: string | undefined;
  /** Told what the server says of its progress. */
  progress?: ((value: object) => void) | undefined;
  /** The user can be asked, and may have answered. */
  input?: CallInput | undefined;
  /** The result that asks for input, in the place of the call's result. Set by `scoped`. */
  required?: unknown;
}

const scopes = new AsyncLocalStorage<CallScope>();

/** Runs work whose requests are made in this scope. */
export const inScope = <T>(scope: CallScope, work: () => Promise<T>): Promise<T> => scopes.run(scope, work);

/** Whether the server asks something that the user is to answer, in a call of this scope. */
export const isAsked = (): boolean => scopes.getStore()?.required !== undefined;

/**
 * A fetch that sends the token of its scope. It asks for progress where somebody is told, and tells it. It says that the user can be asked,
 * gives the answers, and keeps what the server asks. The MCP client can do none of this for a call that another process may go on with.
 */
export const scoped =
  (fetch: Fetch): Fetch =>
  async (input, init) => {
    const scope = scopes.getStore() ?? {};
    const headers = new Headers(init?.headers);
    if (scope.token !== undefined) headers.set('Authorization', `Bearer ${scope.token}`);
    const call = scope.progress || scope.input ? callIn(init?.body, scope) : undefined;
    const response = await fetch(input, {
      ...init,
      headers,
      ...(call && { body: JSON.stringify(call.message) }),
    });
    if (!call) return response;
    return messagesIn(response, [PROGRESS, ...(call.asks ? [INPUT_REQUIRED] : [])], (message) => {
      const asked = { progressToken: call.message.id, userToken: scope.token };
      const progress = progressOf(message, asked);
      if (progress) scope.progress?.(progress);
      const { resultType, inputRequests } = { ...(message.result as Record<string, unknown>) };
      // Without requests the server only wants to be asked again, which the MCP client does.
      if (call.asks && resultType === INPUT_REQUIRED && inputRequests !== undefined)
        scope.required = message.result;
    });
  };

/** A request that calls a tool, with what the scope adds. Undefined: it is another one. */
function callIn(body: unknown, { progress, input }: CallScope) {
  if (typeof body !== 'string') return undefined;
  const message = JSON.parse(body);
  if (message.method !== 'tools/call') return undefined;
  const { params } = message;
  // The id is unique among the requests of a session, as a token has to be.
  const meta = { ...params._meta, ...(progress && { progressToken: message.id }) };
  const asked = input && withInput({ ...params, _meta: meta }, input);
  return {
    message: { ...message, params: asked ?? { ...params, _meta: meta } },
    asks: asked !== undefined,
  };
}

/** Tells one user's token from another one's without keeping it. */
export const digestOf = (token: string | undefined): string | undefined =>
  token && createHash('sha256').update(token).digest('base64url');
