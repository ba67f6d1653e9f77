export type UserTokenErrorCode =
  /** The tool's definition does not ask for it by `forwardToken`. */
  | 'TOKEN_NOT_FORWARDED'
  /** The turn was begun by a message of the application, or by a connection that keeps none. */
  | 'TOKEN_ABSENT'
  /** Its time is over, and its client has not connected with a new one. */
  | 'TOKEN_EXPIRED'
  /** The connection that it came with is closed, and its client has not connected again. */
  | 'TOKEN_GONE'
  /** It is there, and cannot be opened: the private key is missing, or another one. */
  | 'TOKEN_UNREADABLE';

/** There is no token of the user to act with. The tool may catch it; otherwise it is the call's result. */
export class UserTokenError extends Error {
  override readonly name = 'UserTokenError';
  readonly code: UserTokenErrorCode;

  constructor(code: UserTokenErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}
