import { createHash } from 'node:crypto';
import { MAX_CONTENT_PARTS, MAX_LABEL_LENGTH } from '../../protocol/limits.ts';
import { wellFormed } from '../../protocol/text.ts';
import type { FilePart } from '../content.ts';
import type { Core } from '../core.ts';
import { FileError } from '../file-error.ts';
import type { CallFiles, MadeFile } from '../files/call-files.ts';
import { mediaTypeOf } from '../files/media-type.ts';
import { putFile } from '../files/put-file.ts';
import { asFileId, type FileId, type SessionKey } from '../ids.ts';

/** As many as a message can have. */
const MAX_FILES = MAX_CONTENT_PARTS;

/**
 * Stores the files of one run of a call. Their ids follow from the call and their names, so another worker that runs the same call again
 * finds what the first one has put.
 *
 * @param signal of the run: after it nothing is stored
 */
export function callFiles(
  core: Pick<Core, 'store' | 'clock' | 'retention' | 'files' | 'limits'>,
  session: SessionKey,
  idempotencyKey: string,
  signal: AbortSignal,
): CallFiles {
  const names = new Set<string>();
  return {
    async put(given) {
      const { files } = core;
      if (!files)
        throw new FileError('FILES_OFF', 'This deployment takes no files (MIDTURN_FILE_BYTES is 0).');
      const file = checked(given, core.limits.fileBytes);
      if (names.has(file.name))
        throw new FileError(
          'FILE_NAME_INVALID',
          `The call has put a file of the name ${JSON.stringify(file.name)} already.`,
        );
      if (names.size === MAX_FILES)
        throw new FileError('FILE_TOO_MANY', `A call can put ${MAX_FILES} files.`);
      if (signal.aborted) throw tooLate();
      names.add(file.name);
      let put: FilePart | undefined;
      try {
        put = await putFile({ ...core, files }, session, idOf(idempotencyKey, file.name), file);
      } catch (error) {
        // The tool may try again.
        names.delete(file.name);
        throw error;
      }
      if (!put) throw tooLate();
      return put;
    },
  };
}

const tooLate = () =>
  new FileError('FILE_TOO_LATE', 'The call has its result, or was stopped; or its session was deleted.');

const idOf = (idempotencyKey: string, name: string): FileId =>
  asFileId(
    createHash('sha256')
      .update(JSON.stringify([idempotencyKey, name]))
      .digest('base64url'),
  );

function checked({ name: given, mediaType, bytes }: MadeFile, limit: number) {
  const name = wellFormed(given);
  if (name.length === 0 || name.length > MAX_LABEL_LENGTH)
    throw new FileError('FILE_NAME_INVALID', `A file has a name of 1 to ${MAX_LABEL_LENGTH} characters.`);
  if (bytes.length === 0 || bytes.length > limit)
    throw new FileError('FILE_SIZE_INVALID', `A file has 1 to ${limit} bytes, and this one ${bytes.length}.`);
  const type = mediaTypeOf(bytes);
  if (type === undefined || type !== mediaType)
    throw new FileError(
      'FILE_TYPE_INVALID',
      `The file is ${type ?? 'of none of the types that are taken'}, and not ${mediaType}.`,
    );
  return { name, type, bytes };
}
