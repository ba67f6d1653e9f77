import { expect, it } from 'vitest';
import { readProperties } from '../template/properties.ts';
import type { Value } from '../template/template.ts';
import { inputOf } from './input.ts';

const event: Value = { source: 's', detail: { text: 'say "hi"', n: 3, list: [{ a: 1 }], deep: { b: 2 } } };
const given = (target: Readonly<Record<string, Value>>) => inputOf(readProperties('Target', target), event);

it('a target is given the event, a constant, or a part of it', () => {
  expect(JSON.parse(given({}))).toEqual(event);
  expect(given({ Input: '{"a":1}' })).toBe('{"a":1}');
  expect(given({ InputPath: '$.detail.deep' })).toBe('{"b":2}');
  expect(given({ InputPath: '$.detail.list[0].a' })).toBe('1');
  expect(given({ InputPath: '$.detail.none' })).toBe('null');
});

it('a template is filled with values; inside of a string, a text has no quotes of its own', () => {
  const InputPathsMap = { text: '$.detail.text', n: '$.detail.n', deep: '$.detail.deep', none: '$.no' };
  const of = (InputTemplate: string) => given({ InputTransformer: { InputPathsMap, InputTemplate } });
  expect(JSON.parse(of('{"content":<text>,"n":<n>,"deep":<deep>,"none":<none>}'))).toEqual({
    content: 'say "hi"',
    n: 3,
    deep: { b: 2 },
    none: '',
  });
  expect(JSON.parse(of('"It says: <text>, <n> times"'))).toBe('It says: say "hi", 3 times');
  expect(JSON.parse(of('"Of: <deep>"'))).toBe('Of: {"b":2}');
  expect(JSON.parse(of('{"a":"\\"<n>\\"","b":<text>}'))).toEqual({ a: '"3"', b: 'say "hi"' });
  expect(of('<unknown>')).toBe('<unknown>');
});
