import { describe, expect, it } from 'vitest';
import { readProperties } from './properties.ts';
import type { Value } from './template.ts';

const of = (value: Value) => readProperties('Own', { a: value });
const none = readProperties('Own', {});

describe('a property', () => {
  it('that is missing is none, but for one that must be there', () => {
    expect([none.optionalText('a'), none.number('a'), none.flag('a'), none.list('a')]).toEqual([
      undefined,
      undefined,
      false,
      [],
    ]);
    expect(none.nested('a').all).toEqual({});
    expect(() => none.text('a')).toThrow('Own: a is undefined, not a string.');
  });

  it.each<[Value, number]>([
    [0, 0],
    ['0', 0],
    ['1.5', 1.5],
    [-2, -2],
  ])('%j is a number', (value, number) => expect(of(value).number('a')).toBe(number));

  it.each<[Value, boolean]>([
    [true, true],
    ['true', true],
    [false, false],
    ['false', false],
    [1, false],
  ])('%j is a flag: %s', (value, flag) => expect(of(value).flag('a')).toBe(flag));

  it('of a property is named by both', () => {
    expect(() => of({ b: 'x' }).nested('a').number('b')).toThrow('Own.a: b is "x", not a number.');
    expect(of({ b: '' }).nested('a').text('b')).toBe('');
  });

  it.each<[Value, 'text' | 'optionalText' | 'number' | 'list' | 'nested', string]>([
    [5, 'text', 'a string'],
    [null, 'optionalText', 'a string'],
    ['x', 'number', 'a number'],
    [{ b: 1 }, 'number', 'a number'],
    ['x', 'list', 'a list'],
    [{ b: 1 }, 'list', 'a list'],
    ['x', 'nested', 'an object'],
    [['x'], 'nested', 'an object'],
  ])('%j is refused as %s', (value, how, what) => {
    expect(() => of(value)[how]('a')).toThrow(`Own: a is ${JSON.stringify(value)}, not ${what}.`);
  });
});
