/**
 * Text is well-formed Unicode wherever it is stored or sent: no surrogate without its other half. Strict parsers, among
 * them those of some model providers, refuse a whole request for one (docs/protocol.md, 3.4).
 */

/** U+FFFD stands for each unpaired surrogate, as UTF-8 encoders write it. Lengths in UTF-16 code units stay. */
export function wellFormed<T>(value: T): T {
  // The types of JSON values stay: only characters of texts are replaced.
  return mended(value) as T;
}

function mended(value: unknown): unknown {
  if (typeof value === 'string') return value.toWellFormed();
  if (Array.isArray(value)) return value.map(mended);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [name.toWellFormed(), mended(inner)]),
  );
}

/** `length`, or one less if a cut there would divide a surrogate pair. For text that is put together again. */
export function cutAt(text: string, length: number): number {
  return isHighSurrogate(text.charCodeAt(length - 1)) ? length - 1 : length;
}

/** Whether a text that ends with this code unit may lack the other half of its last character. */
export const isHighSurrogate = (code: number): boolean => code >= 0xd800 && code <= 0xdbff;

/**
 * At most `length` UTF-16 code units for a reader: the beginning of a longer text, then `…`. A character that consists of
 * several code points, such as a flag or an accented letter, is left out as a whole.
 */
export function shortened(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, readableCut(text, length - 1))}…`;
}

/** Longest run of code units that is one character to a reader; a longer one is cut between its code points. */
const LONGEST_CHARACTER = 64;

function readableCut(text: string, length: number): number {
  const end = cutAt(text, length);
  // Hermes and older browsers have no segmenter.
  if (typeof Intl === 'undefined' || !('Segmenter' in Intl)) return end;
  const last =
    new Intl.Segmenter().segment(text.slice(0, end + LONGEST_CHARACTER)).containing(end)?.index ?? end;
  return end - last < LONGEST_CHARACTER ? last : end;
}

/**
 * A JSON text in which every character can be seen: those that reorder, join or hide others are written as escapes, which
 * mean the same. For text that a person decides by.
 */
export const visible = (json: string): string => json.replace(/[\p{Cf}\p{Zl}\p{Zp}]/gu, escaped);

const escaped = (character: string): string =>
  Array.from(
    { length: character.length },
    (_, at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`,
  ).join('');
