import fc from 'fast-check';

/** Text as people and models write it: the one list for properties, scenarios and the simulation. */
export const WRITTEN = [
  'a',
  ' ',
  '"',
  '\\',
  '\n',
  'é',
  '€',
  '漢',
  '😀',
  // Combining characters, composed of a letter and marks that follow it.
  'e\u0301',
  'क्षि',
  // Several code points that are one character to a reader.
  '👩‍👩‍👧',
  '🇩🇪',
  '👍🏽',
  // From right to left, with a mark that turns the direction.
  'שלום',
  'مرحبا\u200f',
  // Not assigned, and the last one of Unicode.
  '\u{e0001}',
  '\u{10ffff}',
] as const;

/** Halves of surrogate pairs: JSON allows them alone. They are stored and sent as U+FFFD. */
export const HALVES = ['\ud83d', '\ude00'] as const;

/**
 * Any code point but halves of pairs. Not `fc.string({ unit: 'binary' })`, which makes a table of all of them when it is built: that
 * took more than a second of each test file and of each thread of the simulation.
 */
const anyCodePoint = fc
  .integer({ min: 0, max: 0x10_ffff - 0x800 })
  .map((n) => String.fromCodePoint(n < 0xd800 ? n : n + 0x800));

const character = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...WRITTEN) },
  { weight: 1, arbitrary: anyCodePoint },
);

/** Well-formed text of at most so many characters, for properties. */
export const anyText = ({ minLength = 0, maxLength = 12 } = {}): fc.Arbitrary<string> =>
  fc.array(character, { minLength, maxLength }).map((characters) => characters.join(''));

/** The same with halves of pairs anywhere, which may form a pair with their neighbours. */
export const brokenText = ({ maxLength = 12 } = {}): fc.Arbitrary<string> =>
  fc
    .array(
      fc.oneof({ weight: 2, arbitrary: character }, { weight: 1, arbitrary: fc.constantFrom(...HALVES) }),
      {
        maxLength,
      },
    )
    .map((characters) => characters.join(''));

/** A text of exactly so many bytes: this character as often as it fits, then `x`. */
export function textOfBytes(bytes: number, unit = '€'): string {
  const whole = unit.repeat(Math.floor(bytes / Buffer.byteLength(unit)));
  return whole + 'x'.repeat(bytes - Buffer.byteLength(whole));
}

/** At a limit, one below it and one above. */
export const around = (limit: number): readonly [number, number, number] => [limit - 1, limit, limit + 1];
