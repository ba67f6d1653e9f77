import { createHash } from 'node:crypto';

/** The token of the user whose calls run over a connection: sent with their requests, and forgotten with the last of them. */
export class LentBearer {
  #token: string | undefined;
  #uses = 0;

  /** @returns ends this use */
  lend(token: string | undefined): () => void {
    this.#token = token;
    this.#uses++;
    return () => {
      if (--this.#uses === 0) this.#token = undefined;
    };
  }

  /** A fetch that sends the token, if there is one. */
  sentBy(fetch: typeof globalThis.fetch): typeof globalThis.fetch {
    return (input, init) => {
      if (this.#token === undefined) return fetch(input, init);
      const headers = new Headers(init?.headers);
      headers.set('Authorization', `Bearer ${this.#token}`);
      return fetch(input, { ...init, headers });
    };
  }
}

/** Tells one user's token from another one's without keeping it. */
export const digestOf = (token: string | undefined): string | undefined =>
  token && createHash('sha256').update(token).digest('base64url');
