import { describe, expect, it } from 'vitest';
import { expressionRefusal } from './expression-limits.ts';

const conditions = (count: number) => Array.from({ length: count }, (_, n) => `#a${n} = :v${n}`);

describe('the size of an expression', () => {
  const EXPRESSIONS = ['Update', 'Condition', 'KeyCondition', 'Filter', 'Projection'];
  it.each(EXPRESSIONS.map((of) => `${of}Expression`))(
    'of 4,096 bytes is accepted, one more is not: %s',
    (name) => {
      expect(expressionRefusal({ [name]: 'x'.repeat(4096) })).toBeUndefined();
      expect(expressionRefusal({ [name]: 'x'.repeat(4097) })).toBe(
        `Invalid ${name}: Expression size has exceeded the maximum allowed size; expression size: 4097`,
      );
    },
  );

  it('is counted in bytes, not in characters', () => {
    expect(expressionRefusal({ ProjectionExpression: 'ä'.repeat(2049) })).toContain('expression size: 4098');
  });
});

describe('the operators of a condition', () => {
  it('are its comparisons and logical operators: 300 are accepted, 301 are not', () => {
    // 150 comparisons and 149 times AND.
    const all = conditions(150).join(' AND ');
    expect(expressionRefusal({ ConditionExpression: `NOT ${all}` })).toBeUndefined();
    expect(expressionRefusal({ ConditionExpression: `NOT NOT ${all}` })).toContain('operator count: 301');
  });

  it('are its functions as well, but not parentheses, and BETWEEN is one', () => {
    const contains = Array.from({ length: 150 }, (_, n) => `(contains(#a${n}, :v))`).join(' OR ');
    expect(expressionRefusal({ FilterExpression: contains })).toBeUndefined();
    const between = 'sk BETWEEN :from AND :to';
    expect(expressionRefusal({ FilterExpression: `${contains} AND ${between}` })).toContain('count: 301');
  });

  it.each([
    ['a = b', 1],
    ['a <> b', 1],
    ['a < b', 1],
    ['a <= b', 1],
    ['a > b', 1],
    ['a >= b', 1],
    ['a BETWEEN b AND c', 1],
    ['a IN (b, c)', 1],
    ['NOT a', 1],
    ['not a and b or c', 3],
    ['(attribute_exists(a))', 1],
    ['size(a) > b', 2],
    ['(a)', 0],
    ['#not', 0],
  ])('%s has %i', (expression, count) => {
    const withOthers = (others: number) =>
      expressionRefusal({ FilterExpression: 'NOT '.repeat(others) + expression });
    expect(withOthers(300 - count)).toBeUndefined();
    expect(withOthers(301 - count)).toContain('operator count: 301');
  });

  it('are not looked for in names and values', () => {
    const named = Array.from({ length: 301 }, (_, n) => `#and${n}.#or, :not${n}`).join(', ');
    expect(expressionRefusal({ UpdateExpression: named.slice(0, 4096) })).toBeUndefined();
  });
});

it('the operators of an update are its sums and functions: the guide counts two in this one', () => {
  const two = 'SET a = :val1 + :val2 + :val3';
  expect(expressionRefusal({ UpdateExpression: two })).toBeUndefined();
  const sums = (count: number) => `SET ${'a = :b + :c, '.repeat(count)}d = if_not_exists(d, :e)`;
  expect(expressionRefusal({ UpdateExpression: sums(299) })).toBeUndefined();
  expect(expressionRefusal({ UpdateExpression: sums(300) })).toContain('operator count: 301');
  const differences = `SET ${Array(301).fill('a = :b - :c').join(', ')}`;
  expect(expressionRefusal({ UpdateExpression: differences })).toContain('operator count: 301');
});
