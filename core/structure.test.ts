import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Json } from './json.ts';
import { bytesOfStructure } from './structure.ts';

const bytesOf = (value: Json | undefined) => Buffer.concat([...bytesOfStructure(value)]).toString('hex');
const same = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b);
const sorted = (value: unknown): unknown =>
  Array.isArray(value)
    ? ['list', ...value.map(sorted)]
    : typeof value === 'object' && value !== null
      ? Object.entries(value)
          .map(([key, field]) => [key, sorted(field)])
          .toSorted(([a], [b]) => (String(a) < String(b) ? -1 : 1))
          .flat()
      : { value };

it('P12: values that differ have different bytes, and the same value has the same', () => {
  // Few and short, so that two are often alike.
  const value = fc.letrec<{ value: Json }>((tie) => ({
    value: fc.oneof(
      { depthSize: 'small' },
      fc.constantFrom<Json>(null, true, false, 0, 1, 12, '', '1', '12', 'null', 'string 1\na', 'ab', 'a'),
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(fc.constantFrom('a', 'b', 'ab', '1'), tie('value'), { maxKeys: 3 }),
    ),
  })).value;
  fc.assert(
    fc.property(value, value, (a, b) => {
      expect(bytesOf(a) === bytesOf(b)).toBe(same(sorted(a), sorted(b)));
      expect(bytesOf(structuredClone(a))).toBe(bytesOf(a));
    }),
    { numRuns: 500 },
  );
});

it('the order of fields says nothing, nor does one that is undefined; the order of a list does', () => {
  expect(bytesOf({ a: 1, b: [1, 2] })).toBe(bytesOf({ b: [1, 2], a: 1, c: undefined } as never));
  expect(bytesOf([1, 2])).not.toBe(bytesOf([2, 1]));
  expect(bytesOf(undefined)).toBe(bytesOf(null));
});

it.each([
  [['a', 'b'], ['ab']],
  [[['a'], 'b'], [['a', 'b']]],
  [{ a: { b: 1 } }, { a: {}, b: 1 }],
  ['\ud83d', '\ude00'],
  ['1', 1],
  ['null', null],
  [{}, []],
])('P12: %j is not %j', (a, b) => {
  expect(bytesOf(a)).not.toBe(bytesOf(b));
});
