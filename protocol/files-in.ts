import type { FilePart } from './content.ts';
import { ID_PATTERN } from './ids.ts';

/** As many as a message can have. */
const MAX_FILES = 20;

/**
 * The files that a tool has made, in its output: a part that names a file as in a message, at whichever place. `fileUrl` of the client gives
 * an address to show one.
 *
 * @returns each once, twenty at most
 */
export function filesIn(output: unknown): FilePart[] {
  const files = new Map<string, FilePart>();
  const open = [output];
  while (open.length > 0 && files.size < MAX_FILES) {
    const value = open.pop();
    if (typeof value !== 'object' || value === null) continue;
    if (isFile(value)) files.set(value.file, value);
    else open.push(...Object.values(value).reverse());
  }
  return [...files.values()];
}

function isFile(value: object): value is FilePart {
  const { type, file, media_type, size, name = '' } = value as Partial<Record<keyof FilePart, unknown>>;
  return (
    type === 'file' &&
    [media_type, name].every((text) => typeof text === 'string') &&
    // A tool's output can have anything in its place, and no key is made of that.
    typeof file === 'string' &&
    ID_PATTERN.test(file) &&
    typeof size === 'number'
  );
}
