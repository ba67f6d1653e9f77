import { expect, it } from 'vitest';
import { around, textOfBytes } from '../../../test/support/text.ts';
import { readAnswer } from './response.ts';

const MAX_BYTES = 6 * 1024 * 1024;

// "Lambda quotas" (https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html): 6 MB of a response's JSON.
it.each(['x', 'é', '€', '😀'])(
  'an answer of a function is at most 6 MB of JSON, whatever its letters: of %s',
  (letter) => {
    const others = Buffer.byteLength(JSON.stringify({ statusCode: 200, body: '' }));
    const [, most, more] = around(MAX_BYTES - others);
    expect(readAnswer({ statusCode: 200, body: textOfBytes(more, letter) })).toBeUndefined();
    expect(readAnswer({ statusCode: 200, body: textOfBytes(most, letter) })).toMatchObject({ status: 200 });
  },
);

it.each([
  [199, undefined],
  [200, 200],
  ['204', 204],
  [599, 599],
  [600, undefined],
  [200.5, undefined],
  [null, undefined],
])('an answer with the status %j has the status %j', (statusCode, status) => {
  expect(readAnswer({ statusCode })?.status).toBe(status);
});

it.each([{ headers: 'x' }, { headers: ['x'] }, { cookies: 'a=1' }, { body: { a: 1 } }])(
  'an answer with %j is none',
  (fields) => {
    expect(readAnswer({ statusCode: 200, ...fields })).toBeUndefined();
  },
);

it('a header that is no text becomes one, and the type of a body that is named stays', () => {
  const headers = { 'Content-Type': 'text/csv', 'X-Count': 3 };
  expect(readAnswer({ statusCode: 200, headers })?.headers).toEqual([
    ['content-type', 'text/csv'],
    ['x-count', '3'],
  ]);
  expect(readAnswer({ statusCode: 200, body: 'x' })?.headers).toEqual([
    ['content-type', 'text/plain; charset=utf-8'],
  ]);
});

it('headers that are API Gateway’s own are not those of a function, and all others are', () => {
  const own = 'Connection Content-Length Date Keep-Alive Server Trailer Transfer-Encoding Upgrade'.split(' ');
  const others = ['Content-Type', 'Etag', 'Location', 'Set-Cookie', 'Vary'];
  const headers = Object.fromEntries([...own, ...others].map((name) => [name, 'x']));
  expect(readAnswer({ statusCode: 200, headers, cookies: ['a=1'] })?.headers).toEqual([
    ...others.map((name) => [name.toLowerCase(), 'x']),
    ['set-cookie', 'a=1'],
  ]);
});

it.each([
  [{ body: '4pyT', isBase64Encoded: true }, '✓'],
  [{ body: '4pyT', isBase64Encoded: false }, '4pyT'],
  [{ body: '4pyT', isBase64Encoded: 'true' }, '4pyT'],
  [{ body: '4pyT' }, '4pyT'],
  [{}, ''],
])('the body of %j is %j', (fields, text) => {
  expect(readAnswer({ statusCode: 200, ...fields })?.body.toString()).toBe(text);
});

it.each([
  [null, 'null'],
  [['é'], '["é"]'],
  [{ statusCode: undefined, body: 'x' }, '{"body":"x"}'],
  [7, '7'],
])('what has no status is the body itself: %j', (value, text) => {
  const answer = readAnswer(value);
  expect(answer).toMatchObject({ status: 200, headers: [['content-type', 'application/json']] });
  expect(answer?.body.toString()).toBe(text);
});
