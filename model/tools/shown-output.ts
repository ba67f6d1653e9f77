import { type FilePart, partsShown } from '../../core/content.ts';
import { MAX_SHOWN_BYTES } from '../../core/events/tool-result.ts';
import type { Json } from '../../core/json.ts';
import { jsonBytes } from '../../core/json-bytes.ts';
import { OWN_PROVIDER } from '../agent/model-file.ts';
import { toJson } from './json-safe.ts';

/**
 * What a tool's `toModelOutput` gives, in a form that is stored: a file of the session is named as in a message, bytes become base64,
 * which the AI SDK takes as well, and an address its text.
 */
export function shownJson(shown: object): Json {
  const content =
    'value' in shown && Array.isArray(shown.value) ? { ...shown, value: shown.value.map(named) } : shown;
  return fitting(toJson(withoutBytes(content)));
}

/** Where it is too long for the transcript, notes stand for its bytes, the largest first. */
function fitting(shown: Json): Json {
  const parts = [...partsShown(shown)];
  const withParts = () => ({ ...(shown as object), value: parts });
  const isTooLong = () => jsonBytes(JSON.stringify(withParts())) > MAX_SHOWN_BYTES;
  if (parts.length === 0) return shown;
  const bytes = parts.map((part, at) => ({ at, ...bytesIn(part) })).sort((a, b) => b.length - a.length);
  for (const { at, length, mediaType } of bytes) {
    if (length === 0 || !isTooLong()) break;
    parts[at] = { type: 'text', text: tooLarge(mediaType, Math.floor((length * 3) / 4)) };
  }
  return withParts();
}

const tooLarge = (mediaType: string, bytes: number) =>
  `[The tool gave a file here: ${mediaType}, ${bytes} bytes. You were not given it: a result has room for ${MAX_SHOWN_BYTES} bytes. The tool can store it with context.files.put, and name it with modelFile.]`;

/** The length of a part's bytes in base64, in any of the SDK's forms. */
function bytesIn(part: Json): { length: number; mediaType: string } {
  const { data, mediaType } = fieldsOf<{ data: Json; mediaType: Json }>(part);
  const inner = typeof data === 'object' && data !== null && 'data' in data ? data.data : data;
  return {
    length: typeof inner === 'string' ? inner.length : 0,
    mediaType: typeof mediaType === 'string' ? mediaType : 'of an unknown type',
  };
}

/** Of a text there are none: a spread would make one of each character, and the bytes of an image are a text of millions. */
const fieldsOf = <FIELDS extends object>(value: unknown): Partial<FIELDS> =>
  typeof value === 'object' && value !== null ? value : {};

/** What `modelFile` made. */
function named(part: unknown): unknown {
  const { data, mediaType, filename } = fieldsOf<{ data: unknown; mediaType: string; filename: string }>(
    part,
  );
  const { reference } = fieldsOf<{ reference: Readonly<Record<string, string>> }>(data);
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
