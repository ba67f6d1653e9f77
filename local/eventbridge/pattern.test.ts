import { describe, expect, it } from 'vitest';
import { LocalCloudError } from '../errors.ts';
import type { Value } from '../template/template.ts';
import { compilePattern } from './pattern.ts';

const event: Value = {
  source: 'midturn',
  'detail-type': 'Turn Ended',
  detail: { tenant: 'acme', status: 'done', steps: 3, tags: ['a', 'b'], nothing: null, lines: 'a\nd' },
};
const matches = (pattern: Value) => compilePattern('Rule', pattern)(event);
const ofDetail = (pattern: Value) => matches({ detail: pattern });

describe('an event pattern', () => {
  it.each<[Value, boolean]>([
    [{ source: ['midturn'] }, true],
    [{ source: ['other'] }, false],
    [{ source: ['other', 'midturn'], 'detail-type': ['Turn Ended'] }, true],
    [{ source: ['midturn'], 'detail-type': ['Session Deleted'] }, false],
    [{ region: ['eu-central-1'] }, false],
    [{ $or: [{ source: ['other'] }, { detail: { steps: [3] } }] }, true],
    [{ $or: [{ source: ['other'] }, { detail: { steps: [4] } }] }, false],
  ])('%j: %s', (pattern, expected) => expect(matches(pattern)).toBe(expected));

  it.each<[Value, boolean]>([
    [{ status: ['done', 'error'] }, true],
    [{ steps: ['3'] }, false],
    [{ tags: ['b'] }, true],
    [{ nothing: [null] }, true],
    [{ tenant: [{ prefix: 'ac' }] }, true],
    [{ tenant: [{ suffix: 'ac' }] }, false],
    [{ tenant: [{ 'equals-ignore-case': 'ACME' }] }, true],
    [{ tenant: [{ wildcard: 'a*e' }] }, true],
    [{ tenant: [{ wildcard: 'a.*' }] }, false],
    [{ lines: [{ wildcard: 'a*d' }] }, true],
    [{ constructor: [{ exists: true }] }, false],
    [{ steps: [{ numeric: ['>', 2, '<=', 3] }] }, true],
    [{ steps: [{ numeric: ['=', 2] }] }, false],
    [{ status: [{ 'anything-but': 'done' }] }, false],
    [{ status: [{ 'anything-but': ['error', 'aborted'] }] }, true],
    [{ status: [{ 'anything-but': { prefix: 'd' } }] }, false],
    [{ code: [{ exists: false }] }, true],
    [{ code: [{ exists: true }] }, false],
    [{ code: [{ 'anything-but': 'x' }] }, false],
  ])('in detail, %j: %s', (pattern, expected) => expect(ofDetail(pattern)).toBe(expected));

  it.each([
    ['=', [false, true, false]],
    ['<', [true, false, false]],
    ['<=', [true, true, false]],
    ['>', [false, false, true]],
    ['>=', [false, true, true]],
  ])('compares with numbers below, at and above its own, and with no text: %s', (operator, expected) => {
    const test = compilePattern('Rule', { n: [{ numeric: [operator, 3] }] });
    expect([2, 3, 4].map((n) => test({ n }))).toEqual(expected);
    expect(['2', '3', '4'].map((n) => test({ n }))).toEqual([false, false, false]);
  });

  it.each<[Value, string[]]>([
    [{ prefix: 'a' }, ['ab', 'a', 'abA']],
    [{ suffix: 'b' }, ['ab', 'b']],
    [{ 'equals-ignore-case': 'aB' }, ['ab', 'AB']],
    [{ wildcard: 'a*A' }, ['abA']],
    [{ wildcard: 'a' }, ['a']],
    [{ 'anything-but': ['a', 'b'] }, ['ab', 'AB', 'abA']],
    [{ 'anything-but': { suffix: 'b' } }, ['a', 'AB', 'abA']],
  ])('%j matches these texts alone: %j', (one, expected) => {
    const test = compilePattern('Rule', { text: [one] });
    expect(['ab', 'a', 'b', 'AB', 'abA'].filter((text) => test({ text }))).toEqual(expected);
  });

  it.each<[Value]>([
    [{ n: [{ numeric: ['>', 1, '<'] }] }],
    [{ n: [{ numeric: ['~', 1] }] }],
    [{ n: [{ numeric: ['>', '1'] }] }],
    [{ a: [{ prefix: 'a', suffix: 'b' }] }],
    [{ a: [{ prefix: 5 }] }],
    [{ $or: { a: ['b'] } }],
    [{ $or: ['b'] }],
    [{ source: [{ cidr: '10.0.0.0/24' }] }],
    [{ source: 'midturn' }],
    ['midturn'],
  ])('that is not here stops the start: %j', (pattern) =>
    expect(() => compilePattern('Rule', pattern)).toThrow(LocalCloudError),
  );
});
