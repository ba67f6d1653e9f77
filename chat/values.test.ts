import { expect, it } from 'vitest';
import { argumentLines, brief } from './values.ts';

it.each([
  [{ city: 'Lisbon', days: 3, near: { km: 5 } }, 'city: "Lisbon", days: 3, near: {"km":5}'],
  [{}, ''],
  ['plain text', 'plain text'],
  [[1, 2], '[1,2]'],
  [null, 'null'],
  [{ 'a b: c': 1 }, '"a b: c": 1'],
])('%j on one line', (value, line) => {
  expect(brief(value)).toBe(line);
});

it('each argument of a request is one line, so that no value can look like another argument', () => {
  const lines = argumentLines({
    arguments: { to: 'tea\n  amount: 1', amount: 900, 'x: 1\ny': '\u202e' },
    summary: '',
  });
  expect(lines).toEqual(['  to: "tea\\n  amount: 1"', '  amount: 900', '  "x: 1\\ny": "\\u202e"']);
});

it('arguments that are no object, or that a server is too old to send, are shown as they come', () => {
  expect(argumentLines({ arguments: [1], summary: '' })).toEqual(['  [', '    1', '  ]']);
  expect(argumentLines({ arguments: undefined, summary: '{"item":…' })).toEqual(['  {"item":…']);
});

it('a name of an argument that could look like a name and a value is quoted', () => {
  expect(brief({ 'a b': 1, 'a: 1': 2, 'a,b': 3, 'a.b-c_1': 4 })).toBe(
    '"a b": 1, "a: 1": 2, "a,b": 3, a.b-c_1: 4',
  );
});
