import { filesIn } from '../../protocol/files-in.ts';
import type { Core } from '../core.ts';
import { expiry } from '../core.ts';
import { promptFilesOf } from '../events/entries.ts';
import { entryOf } from '../events/stored-entry.ts';
import { excessOfBytes } from '../files/day-bytes.ts';
import { objectKey } from '../files/object-key.ts';
import { findFile } from '../files/stored-file.ts';
import { asFileId, type FileId, type SessionKey } from '../ids.ts';
import type { Principal, StoredEntry } from '../store/items.ts';
import { fileKey } from '../store/keys.ts';
import { exists, set } from '../store/update.ts';

/** The files that an entry names: those of a message, and those that a tool has given or shown. */
export function filesNamedIn(stored: StoredEntry): FileId[] {
  const entry = entryOf(stored);
  const given =
    entry.role === 'tool_result'
      ? filesIn(entry.output)
      : entry.role === 'event' && entry.event.type === 'data'
        ? filesIn(entry.event.data)
        : [];
  return [...new Set([...promptFilesOf(entry), ...given].map(({ file }) => asFileId(file)))];
}

/**
 * Copies a file into a fork, under the same id, in steps that can each be repeated: the item, by which the fork's deletion finds the
 * bytes; the bytes; and that they are there. It expires when the origin's does. One that cannot be copied looks as if it had expired: it
 * has, or the bytes of the principal's day are used up.
 *
 * @param countedFor whose day they count to
 */
export async function copyFile(
  core: Core,
  {
    source,
    target,
    file,
    countedFor,
  }: {
    source: SessionKey;
    target: SessionKey;
    file: FileId;
    countedFor: Principal | undefined;
  },
): Promise<void> {
  const { files } = core;
  const item = files && (await findFile(core, source, file));
  if (!item?.checked) return;
  const key = fileKey(target, file);
  const { checked: _, ...known } = item;
  const isNew = await core.store.putIfAbsent(key, { ...known, expires: expiry(core).file });
  if (!isNew && (await core.store.get(key))?.checked) return;
  if (countedFor && (await excessOfBytes(core, countedFor, item.size))) return;
  if (!(await files?.copy(objectKey(source, file), objectKey(target, file)))) return;
  // Not one that was deleted meanwhile.
  await core.store.update(key, { when: [exists('until')], change: [set('checked', true)] });
}
