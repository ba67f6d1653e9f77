import type { FilePart } from '../content.ts';
import { type Core, expiry } from '../core.ts';
import type { FileId, SessionKey } from '../ids.ts';
import type { Files } from '../ports.ts';
import type { FileItem } from '../store/items.ts';
import { fileKey } from '../store/keys.ts';
import { exists, set } from '../store/update.ts';
import { type FileType, mediaTypeOf, SIGNATURE_BYTES } from './media-type.ts';
import { objectKey } from './object-key.ts';

/**
 * Puts a file into a session, once: whoever puts another one under the same id is given the first. The item is written before the
 * bytes, so the deletion of the session finds them whenever this function dies.
 *
 * @returns the file that is there; undefined: the session was deleted meanwhile
 */
export async function putFile(
  core: Pick<Core, 'store' | 'clock' | 'retention'> & { files: Files },
  session: SessionKey,
  file: FileId,
  { type, name, bytes }: { type: FileType; name: string; bytes: Uint8Array },
): Promise<FilePart | undefined> {
  const key = fileKey(session, file);
  const { unsent, sent, file: expires } = expiry(core);
  const item: FileItem = { type, size: bytes.length, name, until: unsent, expires };
  const isNew = await core.store.putIfAbsent(key, item);
  const known = isNew ? undefined : await core.store.get(key);
  if (known?.checked) return partOf(file, known);
  const object = objectKey(session, file);
  const found = (await core.files.put(object, bytes, type))
    ? undefined
    : await core.files.begin(object, SIGNATURE_BYTES);
  const written = await core.store.update(key, {
    // Not one that was deleted meanwhile.
    when: [exists('until')],
    change: [
      set('type', (found && mediaTypeOf(found.bytes)) ?? type),
      set('size', found?.size ?? bytes.length),
      set('checked', true),
      set('until', sent),
    ],
  });
  return written.ok ? partOf(file, written.item) : undefined;
}

const partOf = (file: FileId, { type, size, name }: FileItem): FilePart => ({
  type: 'file',
  file,
  media_type: type,
  size,
  ...(name !== undefined && { name }),
});
