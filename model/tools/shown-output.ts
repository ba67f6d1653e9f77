import type { FilePart } from '../../core/content.ts';
import type { Json } from '../../core/json.ts';
import { OWN_PROVIDER } from '../agent/model-file.ts';
import { toJson } from './json-safe.ts';

/**
 * What a tool's `toModelOutput` gives, in a form that is stored: a file of the session is named as in a message, bytes become base64,
 * which the AI SDK takes as well, and an address its text.
 */
export function shownJson(shown: object): Json {
  const content =
    'value' in shown && Array.isArray(shown.value) ? { ...shown, value: shown.value.map(named) } : shown;
  return toJson(withoutBytes(content));
}

/** What `modelFile` made. */
function named(part: unknown): unknown {
  const { data, mediaType, filename } = {
    ...(part as { data?: unknown; mediaType?: string; filename?: string }),
  };
  const { reference } = { ...(data as { reference?: Readonly<Record<string, string>> }) };
  const file = reference?.[OWN_PROVIDER];
  if (file === undefined || mediaType === undefined) return part;
  const size = Number(reference?.size);
  return {
    type: 'file',
    file,
    media_type: mediaType,
    size,
    ...(filename !== undefined && { name: filename }),
  } satisfies FilePart;
}

function withoutBytes(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (value instanceof ArrayBuffer) return Buffer.from(value).toString('base64');
  if (Array.isArray(value)) return value.map(withoutBytes);
  if (typeof value !== 'object' || value === null || 'toJSON' in value) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, withoutBytes(item)]));
}
