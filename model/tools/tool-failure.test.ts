import { expect, it } from 'vitest';
import { around } from '../../test/support/text.ts';
import { messageOf } from './tool-failure.ts';

const SILENT = 'The tool failed without saying why.';

it.each([
  [new TypeError('It is dark.'), 'It is dark.'],
  ['It is dark.', 'It is dark.'],
  [new Error('outer', { cause: new Error('inner') }), 'outer'],
  [new Error(''), SILENT],
  ['', SILENT],
  [{ message: 'It is dark.' }, SILENT],
  [undefined, SILENT],
  [7, SILENT],
])('what a tool throws is told in its own words: %s', (thrown, message) =>
  expect(messageOf(thrown)).toBe(message),
);

it('the words of a tool that fails are 500 characters at most', () => {
  expect(around(500).map((length) => messageOf(new Error('é'.repeat(length))))).toEqual([
    'é'.repeat(499),
    'é'.repeat(500),
    `${'é'.repeat(499)}…`,
  ]);
});
