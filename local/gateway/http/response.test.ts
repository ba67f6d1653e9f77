import { expect, it } from 'vitest';
import { readAnswer } from './response.ts';

const MAX_BYTES = 6 * 1024 * 1024;

// "Lambda quotas" (https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html): 6 MB of a response's JSON.
it.each([
  ['x', 1],
  ['é', 2],
  ['€', 3],
  ['😀', 4],
])('an answer of a function is at most 6 MB of JSON, whatever its letters: of %s', (letter, bytes) => {
  const answer = (size: number) =>
    readAnswer({ statusCode: 200, body: letter.repeat(Math.floor(size / bytes)) });
  expect(answer(MAX_BYTES)).toBeUndefined();
  expect(answer(MAX_BYTES - 1000)).toMatchObject({ status: 200 });
});
