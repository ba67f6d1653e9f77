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

it('asks again for what was not there, and for what failed, of each who asked at that time', async () => {
  const cache = createTextCache(8);
  let answer: () => Promise<string | undefined> = async () => undefined;
  let reads = 0;
  const get = () =>
    cache.get('a', () => {
      reads++;
      return answer();
    });
  expect(await Promise.all([get(), get()])).toEqual([undefined, undefined]);
  answer = () => Promise.reject(new Error('no'));
  expect((await Promise.allSettled([get(), get()])).map(({ status }) => status)).toEqual([
    'rejected',
    'rejected',
  ]);
  expect(reads).toBe(2);
  answer = async () => 'text';
  for (let n = 0; n < 2; n++) expect(await get()).toBe('text');
  expect(reads).toBe(3);
});

it('has room for as much as its limit after what was too large, and after what has gone', async () => {
  const { get, reads } = given(8);
  await get('large', 'x'.repeat(9));
  for (const key of ['a', 'b', 'c', 'd', 'c', 'd']) await get(key);
  expect(reads).toEqual(['large', 'a', 'b', 'c', 'd']);
  // One long text in the place of two short ones.
  await get('e', 'x'.repeat(8));
  await get('c');
  expect(reads.slice(5)).toEqual(['e', 'c']);
});
