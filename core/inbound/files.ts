import { toMs } from '../../config/units.ts';
import type { DownloadFrame, UploadFrame } from '../../protocol/client-frames.ts';
import { FILE_TYPES } from '../../protocol/content.ts';
import { type Core, expiry } from '../core.ts';
import { excessOfBytes } from '../files/day-bytes.ts';
import { objectKey } from '../files/object-key.ts';
import { findFile } from '../files/stored-file.ts';
import { asFileId, newFileId } from '../ids.ts';
import { DOWNLOAD_SECONDS, UPLOAD_SECONDS } from '../ports.ts';
import { errorReply, reply, sessionDeleted } from '../replies.ts';
import { isDeleted } from '../session/sessions.ts';
import type { Principal } from '../store/items.ts';
import { fileKey } from '../store/keys.ts';
import type { Sender } from './acknowledge.ts';

export const noFiles = (id: string | undefined) =>
  errorReply('INVALID_FRAME', 'This server takes no files.', id === undefined ? {} : { id });

/** There is no such file for this session. One of another session looks the same (P12). */
export const fileNotFound = (id: string | undefined) =>
  errorReply('FILE_NOT_FOUND', 'There is no such file in this session, or it has expired.', {
    ...(id !== undefined && { id }),
  });

/** Answers with an address that takes exactly the bytes that the client has announced, once. */
export async function offerUpload(
  core: Core,
  { id: connection, connection: { session } }: Sender,
  { id, media_type: type, size, name }: UploadFrame,
  countedFor: Principal | undefined,
): Promise<void> {
  const { files, limits } = core;
  if (!files) return void (await reply(core, connection, noFiles(id)));
  if (!(FILE_TYPES as readonly string[]).includes(type)) {
    const text = `Files of the type "${type}" are not taken; those of ${FILE_TYPES.join(', ')} are.`;
    return void (await reply(core, connection, errorReply('FILE_REFUSED', text, { id, path: 'media_type' })));
  }
  if (size > limits.fileBytes) {
    const text = `The file has ${size} bytes; at most ${limits.fileBytes} are accepted.`;
    const details = { id, limit: limits.fileBytes, depth: size, path: 'size' };
    return void (await reply(core, connection, errorReply('FILE_REFUSED', text, details)));
  }
  if (await isDeleted(core, session)) return void (await reply(core, connection, sessionDeleted({ id })));
  const excess = countedFor && (await excessOfBytes(core, countedFor, size));
  if (excess) return void (await reply(core, connection, { ...excess, id }));
  const file = newFileId(core);
  const { unsent: until, file: expires } = expiry(core);
  await core.store.put(fileKey(session, file), { type, size, ...(name && { name }), until, expires });
  const { url, headers } = await files.uploadAddress(objectKey(session, file), { type, size });
  await reply(core, connection, {
    type: 'upload',
    id,
    file,
    method: 'PUT',
    url,
    headers: { ...headers },
    expires_in_ms: toMs(UPLOAD_SECONDS),
  });
}

/** Answers with an address to read a file of the session from. */
export async function offerDownload(
  core: Core,
  { id: connection, connection: { session } }: Sender,
  { id, file: named }: DownloadFrame,
): Promise<void> {
  const { files } = core;
  if (!files) return void (await reply(core, connection, noFiles(id)));
  const file = asFileId(named);
  const found = await findFile(core, session, file);
  // Read after the file: its item outlives the deletion by a while.
  if (await isDeleted(core, session)) return void (await reply(core, connection, sessionDeleted({ id })));
  // What nobody has looked at may be anything.
  if (!found?.checked) return void (await reply(core, connection, fileNotFound(id)));
  const { type, size, name } = found;
  const url = await files.downloadAddress(objectKey(session, file), { type, ...(name && { name }) });
  await reply(core, connection, {
    type: 'download',
    id,
    file,
    media_type: type,
    size,
    ...(name && { name }),
    url,
    expires_in_ms: toMs(DOWNLOAD_SECONDS),
  });
}
