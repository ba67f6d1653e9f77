import type { Json } from './json.ts';

/**
 * Encodes a value so that different values give different bytes: each part is preceded by its kind and its length, so no
 * text can look like structure. Keys are sorted, and fields that are undefined are left out.
 */
export function* bytesOfStructure(value: Json | undefined): Generator<Buffer> {
  if (value === undefined || value === null) yield head('null', 0);
  else if (typeof value === 'boolean') yield head(value ? 'true' : 'false', 0);
  else if (typeof value === 'number') yield* text('number', JSON.stringify(value));
  else if (typeof value === 'string') yield* text('string', value);
  else if (Array.isArray(value)) {
    yield head('array', value.length);
    for (const item of value) yield* bytesOfStructure(item);
  } else {
    const fields = Object.entries(value)
      .filter(([, field]) => field !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1));
    yield head('object', fields.length);
    for (const [key, field] of fields) {
      yield* text('key', key);
      yield* bytesOfStructure(field);
    }
  }
}

const head = (kind: string, length: number) => Buffer.from(`${kind} ${length}\n`);

function* text(kind: string, value: string): Generator<Buffer> {
  yield head(kind, value.length);
  // UTF-8 encodes every lone surrogate as the same bytes.
  yield Buffer.from(value, 'utf16le');
}
