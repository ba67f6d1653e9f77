import { expect, it } from 'vitest';
import { createTextCache } from './text-cache.ts';

function given(limit: number) {
  const cache = createTextCache(limit);
  const reads: string[] = [];
  const get = (key: string, text: string | undefined = key.repeat(4)) =>
    cache.get(key, async () => {
      reads.push(key);
      return text;
    });
  return { get, reads };
}

it('reads once, also for two who ask at the same time, and again what was used least recently', async () => {
  const { get, reads } = given(8);
  expect(await Promise.all([get('a'), get('a')])).toEqual(['aaaa', 'aaaa']);
  await get('b');
  await get('a');
  await get('c');
  expect(reads).toEqual(['a', 'b', 'c']);
  await get('a');
  await get('b');
  expect(reads).toEqual(['a', 'b', 'c', 'b']);
});

it('keeps a text that fills it', async () => {
  const { get, reads } = given(8);
  for (let n = 0; n < 2; n++) expect(await get('a', 'x'.repeat(8))).toHaveLength(8);
  expect(reads).toEqual(['a']);
});

it('keeps nothing that is too large, or is not there', async () => {
  const { get, reads } = given(8);
  for (let n = 0; n < 2; n++) expect(await get('a', 'x'.repeat(9))).toHaveLength(9);
  for (let n = 0; n < 2; n++) expect(await get('b', '')).toBe('');
  expect(reads).toEqual(['a', 'a', 'b']);
});
