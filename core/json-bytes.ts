import { cutAt } from '../protocol/text.ts';

/** Bytes of a text inside a frame: as JSON, without the quotes. */
export const jsonBytes = (text: string): number => Buffer.byteLength(JSON.stringify(text)) - 2;

/** How many UTF-16 code units of a text fit into these bytes as JSON. A surrogate pair is not divided. */
export function fittingLength(text: string, bytes: number): number {
  // Half of a pair alone has more bytes as JSON than the pair: a cut within one is the cut before it.
  const cut = (length: number) => (length < text.length ? cutAt(text, length) : length);
  let low = 0;
  // Each code unit is at least one byte.
  let high = Math.min(text.length, bytes);
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (jsonBytes(text.slice(0, cut(middle))) <= bytes) low = middle;
    else high = middle - 1;
  }
  return cut(low);
}

/** Bytes of a value as JSON. */
export const bytesOfJson = (value: unknown): number => Buffer.byteLength(JSON.stringify(value));

/** Levels of objects and arrays in a text that is JSON: 1 for `{}`. */
export function levelsOf(json: string): number {
  let level = 0;
  let deepest = 0;
  for (const [token] of json.matchAll(/"(?:[^"\\]|\\.)*"|[[\]{}]/g)) {
    if (token === '{' || token === '[') deepest = Math.max(deepest, ++level);
    else if (token === '}' || token === ']') level--;
  }
  return deepest;
}
