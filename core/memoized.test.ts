import { expect, it } from 'vitest';
import { milliseconds } from '../config/units.ts';
import { memoized } from './memoized.ts';

it('is made once, also for those who ask while it is made', async () => {
  let made = 0;
  const thing = memoized(async () => ++made);
  expect(await Promise.all([thing(), thing()])).toEqual([1, 1]);
  expect(await thing()).toBe(1);
});

it('is made again after it failed, and then kept', async () => {
  let made = 0;
  const thing = memoized(async () => {
    if (++made === 1) throw new Error('not yet');
    return made;
  });
  const first = [thing(), thing()];
  await Promise.all(first.map((one) => expect(one).rejects.toThrow('not yet')));
  expect(await thing()).toBe(2);
  expect(await thing()).toBe(2);
});

it('is made again when its time is over', async () => {
  let made = 0;
  let time = 1000;
  const thing = memoized(async () => ++made, { forMs: milliseconds(500), now: () => time });
  expect(await thing()).toBe(1);
  time = 1499;
  expect(await thing()).toBe(1);
  time = 1500;
  expect(await thing()).toBe(2);
  expect(await thing()).toBe(2);
});
