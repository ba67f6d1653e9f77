import { AsyncLocalStorage } from 'node:async_hooks';
import { createHash } from 'node:crypto';
import { progressIn, withProgressToken } from './progress.ts';

type Fetch = typeof globalThis.fetch;

/** What holds for the requests of one call, or of one listing, and is forgotten with it. */
export interface CallScope {
  /** Of the user in whose name they are made. */
  token?: string | undefined;
  /** Told what the server says of its progress. */
  progress?: ((value: object) => void) | undefined;
}

const scopes = new AsyncLocalStorage<CallScope>();

/** Runs work whose requests are made in this scope. */
export const inScope = <T>(scope: CallScope, work: () => Promise<T>): Promise<T> => scopes.run(scope, work);

/** A fetch that sends the token of its scope, asks for progress where somebody is told, and tells it. */
export const scoped =
  (fetch: Fetch): Fetch =>
  async (input, init) => {
    const { token, progress } = scopes.getStore() ?? {};
    const headers = new Headers(init?.headers);
    if (token !== undefined) headers.set('Authorization', `Bearer ${token}`);
    const asked = progress && withProgressToken(init?.body);
    const response = await fetch(input, { ...init, headers, ...(asked && { body: asked.body }) });
    return progress && asked
      ? progressIn(response, { progressToken: asked.progressToken, userToken: token }, progress)
      : response;
  };

/** Tells one user's token from another one's without keeping it. */
export const digestOf = (token: string | undefined): string | undefined =>
  token && createHash('sha256').update(token).digest('base64url');
