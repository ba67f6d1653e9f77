import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Json } from '../json.ts';
import { digest } from './response-cache.ts';

/** Values that look like one another: few texts, many ways to put them together. */
const lookAlike = fc.letrec<{ value: Json }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc.constantFrom<Json>('', 'a', 'b', 'ab', '1', '[]', 'null', 1, -1, 0.1, 1e21, true, false, null),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom('a', 'b', 'ab', '', '__proto'), tie('value'), { maxKeys: 3 }),
  ),
})).value;

const same = (a: Json, b: Json) => sorted(a) === sorted(b);

/** JSON with the keys of each object in one order: equal for equal values, and for no others. */
function sorted(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(sorted).join()}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const fields = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${fields.map(([key, field]) => `${JSON.stringify(key)}:${sorted(field)}`).join()}}`;
}

const shuffled = (value: Json): Json => {
  if (Array.isArray(value)) return value.map(shuffled);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toReversed()
      .map(([key, field]) => [key, shuffled(field)]),
  );
};

describe('the key of a cached answer', () => {
  it('is one for equal prompts, whatever the order of their fields', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 4 }), (value) => {
        expect(digest(shuffled(value as Json))).toBe(digest(value as Json));
      }),
      { numRuns: 2000 },
    );
  });

  it('is another for any other prompt', () => {
    fc.assert(
      fc.property(lookAlike, lookAlike, (a, b) => {
        expect(digest(a) === digest(b)).toBe(same(a, b));
      }),
      { numRuns: 20_000 },
    );
  });

  it.each([
    ['a text in two parts', ['ab', 'c'], ['a', 'bc']],
    ['two texts or one', ['a', 'b'], ['a,b']],
    ['a text that spells structure', ['string 1\na'], [['a']]],
    ['a number and its text', [1], ['1']],
    ['a word and its text', [null], ['null']],
    ['a key and a value', { a: 'b' }, { b: 'a' }],
    ['nothing and an empty field', {}, { a: null }],
    ['two halves of surrogate pairs', ['\ud800'], ['\ud801']],
    ['letters that only look alike', ['\u00e9'], ['e\u0301']],
  ] as [string, Json, Json][])('tells %s apart', (_, a, b) => {
    expect(digest(a)).not.toBe(digest(b));
  });
});
