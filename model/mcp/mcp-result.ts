import type { FilePart } from '../../core/content.ts';
import { FileError } from '../../core/file-error.ts';
import type { CallFiles } from '../../core/files/call-files.ts';
import { modelFile } from '../agent/model-file.ts';

/** What a server gave, where files are among it. */
interface WithFiles {
  /** Its texts, with a mention of each file; or its structured content. */
  result: unknown;
  files: readonly FilePart[];
}

/**
 * Converts an MCP server's result of a call: its texts, or its structured content. Images, audio and embedded resources are stored as
 * files of the session, and the output is `{ result, files }` then. What cannot be stored, and a link to a resource, is only mentioned.
 *
 * @param files of the call; undefined: none can be stored
 */
export async function readResult(
  given: object,
  files: CallFiles | undefined,
): Promise<{ output: unknown; isError: boolean }> {
  const { content, structuredContent, isError } = given as Record<string, unknown>;
  const parts: readonly unknown[] = Array.isArray(content) ? content : [];
  const stored: FilePart[] = [];
  const texts: string[] = [];
  for (const [at, part] of parts.entries()) {
    const file = files && (await storedOf(part, at, files));
    if (file) stored.push(file);
    texts.push(textOf(part));
  }
  const result = structuredContent ?? (Array.isArray(content) ? texts.join('\n') : { ...given });
  const output = stored.length > 0 ? ({ result, files: stored } satisfies WithFiles) : result;
  return { output, isError: isError === true };
}

/** What the model is shown of an output that has files: the files too. Undefined: the output. */
export function shownOf(output: unknown) {
  // A spread would make a property of each character of a text.
  if (typeof output !== 'object') return undefined;
  const { result, files } = { ...(output as Partial<WithFiles>) };
  if (!Array.isArray(files)) return undefined;
  const text = typeof result === 'string' ? result : JSON.stringify(result);
  return {
    type: 'content' as const,
    value: [{ type: 'text' as const, text }, ...(files as FilePart[]).map(modelFile)],
  };
}

async function storedOf(part: unknown, at: number, files: CallFiles): Promise<FilePart | undefined> {
  const found = bytesIn(part);
  if (!found) return undefined;
  const { type, data, mediaType, uri } = found;
  // A query may have a token, and a name is shown.
  const path = uri?.split(/[?#]/, 1)[0];
  // The same where the call runs again. The number tells two of one name apart.
  const name = `${at + 1}-${path?.split('/').findLast((piece) => piece !== '') ?? type}`.slice(0, 200);
  try {
    return await files.put({ name, mediaType, bytes: Buffer.from(data, 'base64') });
  } catch (error) {
    // Of another type, too large, or one too many.
    if (error instanceof FileError) return undefined;
    throw error;
  }
}

function bytesIn(part: unknown): { type: string; data: string; mediaType: string; uri?: string } | undefined {
  const { type, data, mimeType, resource } = { ...(part as Record<string, unknown>) };
  if ((type === 'image' || type === 'audio') && typeof data === 'string' && typeof mimeType === 'string')
    return { type, data, mediaType: mimeType };
  if (type !== 'resource') return undefined;
  const { blob, mimeType: mediaType, uri } = { ...(resource as Record<string, unknown>) };
  if (typeof blob !== 'string' || typeof mediaType !== 'string') return undefined;
  return { type: 'resource', data: blob, mediaType, ...(typeof uri === 'string' && { uri }) };
}

function textOf(part: unknown): string {
  if (typeof part !== 'object' || part === null) return String(part);
  const { type, text, uri, mimeType, resource } = part as Record<string, unknown>;
  if (typeof text === 'string') return text;
  if (type === 'resource') return textOf({ ...(resource as object), type: 'resource contents' });
  return `[${[type, uri, mimeType].filter((word) => typeof word === 'string').join(' ')}]`;
}
