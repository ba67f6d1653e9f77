import type { FilePart } from '../content.ts';

/** A file that a tool makes. */
export interface MadeFile {
  /** Of this file alone within the call: 1 to 200 characters. Shown to readers, and given to the model. */
  name: string;
  /** One of those that users can upload: PNG, JPEG, GIF, WebP, PDF, or audio. Checked by the bytes. */
  mediaType: string;
  /** At most `MIDTURN_FILE_BYTES`. */
  bytes: Uint8Array;
}

/** Stores files in the session of a call. */
export interface CallFiles {
  /**
   * Stores a file, once: if the call runs again, a file of the same name is the one that is there.
   *
   * @returns the part of a message's content that names it
   * @throws {FileError} if it cannot be stored
   */
  put(file: MadeFile): Promise<FilePart>;
}
