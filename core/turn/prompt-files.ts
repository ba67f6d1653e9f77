import type { FilePart } from '../content.ts';
import { promptFilesOf } from '../events/entries.ts';
import { objectKey } from '../files/object-key.ts';
import { findFile } from '../files/stored-file.ts';
import { asFileId } from '../ids.ts';
import type { PromptFiles } from '../model.ts';
import { eachOf } from '../store/each-of.ts';
import type { LeasedTurn } from './leased-turn.ts';
import { readable, type Sources } from './prompt-shape.ts';

/**
 * Bytes of all files of one prompt: one of the largest, and some small ones. A prompt takes four times as much of the function's memory
 * (512 MB) while it is sent, and providers refuse requests above 20 to 50 MB.
 */
const MAX_PROMPT_BYTES = 24 * 1024 * 1024;

/**
 * The files that a prompt of these entries names, newest first as far as all of them have room. It follows from the transcript, and from
 * what has expired.
 *
 * @throws if the store or the bucket fails
 */
export const promptFiles = (turn: LeasedTurn, sources: Sources): Promise<PromptFiles> =>
  readFiles(turn, readable(sources).flatMap(promptFilesOf));

/** The same, of a prompt that names these files, oldest first. */
export async function readFiles(
  { session, core }: Pick<LeasedTurn, 'session' | 'core'>,
  named: readonly FilePart[],
): Promise<PromptFiles> {
  const found = new Map<string, string | 'gone' | 'large'>();
  let left = MAX_PROMPT_BYTES;
  const wanted: string[] = [];
  for (const { file, size } of named.toReversed()) {
    if (found.has(file) || wanted.includes(file)) continue;
    left -= size;
    if (left < 0) found.set(file, 'large');
    else wanted.push(file);
  }
  // Many of few bytes have room.
  await eachOf(wanted, async (name) => {
    const file = asFileId(name);
    const item = core.files && (await findFile(core, session, file));
    const data = item?.checked && (await core.files?.read(objectKey(session, file)));
    found.set(name, data || 'gone');
  });
  return found;
}
