import type { FilePart } from './content.ts';
import { ID_PATTERN } from './ids.ts';

/** As many as a message can have. */
const MAX_FILES = 20;
/** At the end of an output that was cut, before the files of the whole one. JSON has no such line break. */
const FILES_OF_CUT = '\nIts files: ';

/**
 * The files that a tool has made, in its output: a part that names a file as in a message, at whichever place, or at the end of an output
 * that was cut. `fileUrl` of the client gives an address to show one.
 *
 * @returns each once, twenty at most
 */
export function filesIn(output: unknown): FilePart[] {
  const files = new Map<string, FilePart>();
  const open = [typeof output === 'string' ? listIn(output) : output];
  while (open.length > 0 && files.size < MAX_FILES) {
    const value = open.pop();
    if (typeof value !== 'object' || value === null) continue;
    if (isFile(value)) files.set(value.file, value);
    else open.push(...Object.values(value).reverse());
  }
  return [...files.values()];
}

/** The files of an output, for the end of its text where that is cut (`filesIn`). Empty if there are none. */
export function filesOfCut(files: readonly FilePart[]): string {
  const named = files.map(({ type, file, media_type, size, name }) => ({
    type,
    file,
    media_type,
    size,
    name,
  }));
  return named.length > 0 ? FILES_OF_CUT + JSON.stringify(named) : '';
}

function listIn(text: string): unknown {
  const at = text.lastIndexOf(FILES_OF_CUT);
  if (at < 0) return undefined;
  try {
    return JSON.parse(text.slice(at + FILES_OF_CUT.length, -1));
  } catch {
    // A tool's own words.
    return undefined;
  }
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
