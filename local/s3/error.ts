/** A refusal of S3, by the code and status of "Error responses", Amazon S3 API reference. */
export class S3Error extends Error {
  override readonly name = 'S3Error';
  readonly status: number;
  /** `NoSuchKey` */
  readonly code: string;
  /** Elements beside `Code` and `Message`. */
  readonly details: Readonly<Record<string, string>>;

  constructor(status: number, code: string, message: string, details: Readonly<Record<string, string>> = {}) {
    super(message);
    this.status = status;
    this.code = code;
    this.details = details;
  }
}

/** What S3 has and the stand-in has not. A caller must not take it for a success. */
export const notHere = (what: string): S3Error =>
  new S3Error(501, 'NotImplemented', `The local cloud's S3 has no ${what}.`);
