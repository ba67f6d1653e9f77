export type DataErrorCode =
  /** Not a name of the form that `DATA_NAME` gives, or one of this project's own parts. */
  | 'DATA_NAME_INVALID'
  /** Longer than 200 characters, or empty. */
  | 'DATA_ID_INVALID'
  | 'DATA_TOO_LARGE'
  /** The turn has sent as many as it may. */
  | 'DATA_TOO_MANY'
  /** The call has its result, or was stopped. */
  | 'DATA_TOO_LATE';

/** A part for the page cannot be sent. The tool may catch it; otherwise it is the call's result. */
export class DataError extends Error {
  override readonly name = 'DataError';
  readonly code: DataErrorCode;

  constructor(code: DataErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}
