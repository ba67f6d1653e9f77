import fc from 'fast-check';
import { expect, test } from 'vitest';
import { anyText } from '../../test/support/text.ts';
import { fromAttribute, toAttribute, toAttributes } from './attributes.ts';

const json = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    anyText(),
    // JSON has no negative zero.
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((n) => n + 0),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie('value')),
    fc.dictionary(fc.oneof(fc.constantFrom('constructor', '__proto__', 'toString'), anyText()), tie('value')),
  ),
})).value;

/** Own entries in order, at every level: `toEqual` does not compare an own `__proto__`. */
const entriesOf = (value: unknown): unknown =>
  typeof value === 'object' && value !== null
    ? Object.entries(value).map(([key, inner]) => [key, entriesOf(inner)])
    : value;

test('P1: any JSON value comes back as it was, whatever its keys are called', () => {
  fc.assert(
    fc.property(json, (value) => {
      const read = fromAttribute(JSON.parse(JSON.stringify(toAttribute(value))));
      expect(entriesOf(read)).toEqual(entriesOf(value));
    }),
  );
});

test('a field that is undefined is left out', () => {
  expect(toAttributes({ a: 1, b: undefined })).toEqual({ a: { N: '1' } });
});

test.each([Number.NaN, Number.POSITIVE_INFINITY, () => 0, 1n, undefined])('%s is refused', (value) => {
  expect(() => toAttribute(value)).toThrow(TypeError);
});
