export type FileErrorCode =
  /** The deployment takes no files (`MIDTURN_FILE_BYTES=0`). */
  | 'FILES_OFF'
  /** Empty, longer than 200 characters, or that of another file of the call. */
  | 'FILE_NAME_INVALID'
  /** Its bytes are of none of the types that are taken, or of another one than was said. */
  | 'FILE_TYPE_INVALID'
  /** Longer than `MIDTURN_FILE_BYTES`, or empty. */
  | 'FILE_SIZE_INVALID'
  /** The call has put as many as it may. */
  | 'FILE_TOO_MANY'
  /** The call has its result, or was stopped; or the session was deleted. */
  | 'FILE_TOO_LATE';

/** A file cannot be stored. The tool may catch it; otherwise it is the call's result. */
export class FileError extends Error {
  override readonly name = 'FileError';
  readonly code: FileErrorCode;

  constructor(code: FileErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}
