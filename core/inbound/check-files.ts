import type { ErrorReply } from '../../protocol/server-frames.ts';
import { type Content, type FilePart, filesOf } from '../content.ts';
import { type Core, expiry } from '../core.ts';
import { mediaTypeOf, SIGNATURE_BYTES } from '../files/media-type.ts';
import { objectKey } from '../files/object-key.ts';
import { findFile } from '../files/stored-file.ts';
import { asFileId, type SessionKey } from '../ids.ts';
import type { Files } from '../ports.ts';
import { errorReply } from '../replies.ts';
import { fileKey } from '../store/keys.ts';
import { exists, set } from '../store/update.ts';
import { fileNotFound, noFiles } from './files.ts';

/**
 * Checks the files of a message before it is accepted: each is of this session, its bytes are there, and they are what the client
 * said of them. The type follows from the bytes. A file that passed is kept as long as the transcript, and not read again here.
 *
 * @returns why the message is refused
 */
export async function checkFiles(
  core: Core,
  session: SessionKey,
  content: Content,
  id: string | undefined,
): Promise<ErrorReply | undefined> {
  const parts = filesOf(content);
  if (parts.length === 0) return undefined;
  const { files } = core;
  if (!files) return noFiles(id);
  const refusals = await Promise.all(parts.map((part) => refusalOf(core, files, session, part)));
  const refusal = refusals.find((reason) => reason !== undefined);
  if (refusal === undefined) return undefined;
  return refusal === 'absent'
    ? fileNotFound(id)
    : errorReply('FILE_REFUSED', refusal, id === undefined ? {} : { id });
}

async function refusalOf(
  core: Core,
  files: Files,
  session: SessionKey,
  { file: named, media_type, size }: FilePart,
): Promise<string | 'absent' | undefined> {
  const file = asFileId(named);
  const item = await findFile(core, session, file);
  if (!item) return 'absent';
  if (item.type !== media_type || item.size !== size)
    return `The file was announced as ${item.size} bytes of ${item.type}, and the message says otherwise.`;
  if (item.checked) return undefined;
  const found = await files.begin(objectKey(session, file), SIGNATURE_BYTES);
  if (!found) return 'absent';
  // The address takes no other size. A store that lets one through is not believed.
  if (found.size !== size) return `The file has ${found.size} bytes, and not ${size}.`;
  const type = mediaTypeOf(found.bytes);
  if (type !== media_type)
    return `The file is ${type === undefined ? 'of no known type' : type}, and not ${media_type}.`;
  await core.store.update(fileKey(session, file), {
    // Not one that was deleted meanwhile.
    when: [exists('until')],
    change: [set('checked', true), set('until', expiry(core).sent)],
  });
  return undefined;
}
