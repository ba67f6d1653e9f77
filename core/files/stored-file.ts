import type { Core } from '../core.ts';
import type { FileId, SessionKey } from '../ids.ts';
import type { FileItem } from '../store/items.ts';
import { fileKey } from '../store/keys.ts';

/** A file of this session. Undefined: there is none, or nobody may use it any more. DynamoDB removes it later. */
export async function findFile(
  { store, clock }: Pick<Core, 'store' | 'clock'>,
  session: SessionKey,
  file: FileId,
): Promise<FileItem | undefined> {
  const item = await store.get(fileKey(session, file));
  return item && item.until > clock.now() ? item : undefined;
}
