import { describe, expect, it } from 'vitest';
import { compileCondition } from './condition.ts';

const ROLE = 'arn:aws:iam::000000000000:role/Turn';

function holds(operator: string, wanted: string | string[], given?: string | string[]): boolean | undefined {
  const condition = compileCondition(operator, 'aws:Key', [wanted].flat());
  return condition?.(new Map(given === undefined ? [] : [['aws:key', given]]));
}

describe('a condition holds', () => {
  it.each([
    ['StringEquals', ['a', 'b'], 'b'],
    ['StringNotEquals', ['a', 'b'], 'c'],
    ['StringEqualsIgnoreCase', 'Abc', 'aBC'],
    ['StringLike', 'turn-*-?', 'turn-12-x'],
    ['StringNotLike', 'turn-*', 'deadline'],
    ['ArnLike', 'arn:aws:iam::*:role/T*', ROLE],
    ['ArnEquals', 'arn:*:iam::000000000000:role/Tur?', ROLE],
    ['ArnNotLike', 'arn:aws:iam::*:user/*', ROLE],
    ['Bool', 'true', 'True'],
    ['NumericLessThanEquals', '5', '5'],
    ['NumericNotEquals', '5', '6'],
    ['DateGreaterThan', '2026-01-01T00:00:00Z', '1798761600'],
    ['DateLessThan', '2026-01-01T00:00:00Z', '2025-12-31T23:59:59Z'],
    ['ForAnyValue:StringEquals', ['a', 'b'], ['x', 'b']],
    ['ForAllValues:StringLike', ['a*'], ['a1', 'a2']],
  ])('%s %j for %j', (operator, wanted, given) => {
    expect(holds(operator, wanted, given)).toBe(true);
  });

  it.each([
    ['StringEquals', ['a', 'b'], 'B'],
    ['StringNotEquals', ['a', 'b'], 'b'],
    ['StringNotEquals', ['a', 'b'], ['c', 'b']],
    ['StringNotLike', 'turn-*', ['deadline', 'turn-1']],
    ['StringLike', 'turn', 'turn-1'],
    ['ArnLike', 'arn:aws:*:role/Turn', ROLE],
    ['ArnNotEquals', ROLE, ROLE],
    ['Bool', 'true', 'false'],
    ['NumericLessThan', '5', '5'],
    ['NumericEquals', '5', 'five'],
    ['ForAnyValue:StringEquals', ['a', 'b'], ['x', 'y']],
    ['ForAllValues:StringLike', ['a*'], ['a1', 'b2']],
  ])('not %s %j for %j', (operator, wanted, given) => {
    expect(holds(operator, wanted, given)).toBe(false);
  });
});

it.each([
  ['Equals', [false, true, false]],
  ['NotEquals', [true, false, true]],
  ['LessThan', [true, false, false]],
  ['LessThanEquals', [true, true, false]],
  ['GreaterThan', [false, false, true]],
  ['GreaterThanEquals', [false, true, true]],
])('%s holds for a number, and for a time, below, at and above the wanted one: %j', (operator, expected) => {
  expect(['4.9', '5', '5.1'].map((given) => holds(`Numeric${operator}`, '5.0', given))).toEqual(expected);
  const times = ['2025-12-31T23:59:59.999Z', '1767225600', '2026-01-01T00:00:00.001Z'];
  expect(times.map((given) => holds(`Date${operator}`, '2026-01-01T01:00:00+01:00', given))).toEqual(
    expected,
  );
});

describe('a key that the request does not have', () => {
  it.each([
    ['StringEquals', false],
    ['StringNotEquals', true],
    ['Bool', false],
    ['StringEqualsIfExists', true],
    ['ForAnyValue:StringEquals', false],
    ['ForAllValues:StringEquals', true],
  ])('%s: %j', (operator, expected) => {
    expect(holds(operator, 'x')).toBe(expected);
  });

  it('is what Null asks for', () => {
    expect(holds('Null', 'true')).toBe(true);
    expect(holds('Null', 'true', 'x')).toBe(false);
    expect(holds('Null', 'false', 'x')).toBe(true);
  });
});

it.each(['StringMatches', 'IpAddress', 'NullIfExists', 'ForSomeValues:StringEquals', ''])(
  'the operator "%s" is not known',
  (operator) => {
    expect(compileCondition(operator, 'aws:Key', ['x'])).toBeUndefined();
  },
);
