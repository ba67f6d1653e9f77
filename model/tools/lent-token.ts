import type { UserToken } from '../../core/model.ts';
import { UserTokenError } from '../../core/user-token-error.ts';
import { messageOf } from './tool-failure.ts';

/** What stands in the place of a token that a tool gave back. */
export const REMOVED_TOKEN = '[token]';

/** The user's token as one call gets it. What the call gives is without it, since that is stored and read by the model. */
export class LentToken {
  readonly #lender: UserToken;
  readonly #lent = new Set<string>();

  constructor(lender: UserToken) {
    this.#lender = lender;
  }

  readonly token: UserToken = async () => {
    const token = await this.#lender();
    this.#lent.add(token);
    return token;
  };

  /** @param value JSON */
  without<T>(value: T): T {
    if (this.#lent.size === 0) return value;
    return JSON.parse(JSON.stringify(value), (_key, item: unknown) => {
      if (typeof item === 'string') return this.#textWithout(item);
      if (typeof item !== 'object' || item === null || Array.isArray(item)) return item;
      return Object.fromEntries(Object.entries(item).map(([key, field]) => [this.#textWithout(key), field]));
    });
  }

  /** The failure in words, which may quote a request. */
  messageOf(error: unknown): string {
    const said = error instanceof Error ? error.message : error;
    // Before it is cut: a part of a token is one too.
    return messageOf(typeof said === 'string' ? new Error(this.#textWithout(said)) : error);
  }

  #textWithout(text: string): string {
    let clean = text;
    for (const token of this.#lent) clean = clean.replaceAll(token, REMOVED_TOKEN);
    return clean;
  }
}

export const noToken: UserToken = async () => {
  throw new UserTokenError('TOKEN_ABSENT', 'There is no token of a user here: the call was not made.');
};

export const notForwarded =
  (tool: string): UserToken =>
  async () => {
    throw new UserTokenError(
      'TOKEN_NOT_FORWARDED',
      `The tool "${tool}" is not given the user's token: its definition lacks forwardToken.`,
    );
  };
