import { setImmediate as nextTick } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { eachOf } from './each-of.ts';

const numbers = (count: number) => Array.from({ length: count }, (_, n) => n);

it.each([0, 1, 25, 26, 75, 76])(
  'work on each of %i is begun once, in order, on 25 at a time',
  async (count) => {
    const begun: number[] = [];
    let underWay = 0;
    let most = 0;
    await eachOf(numbers(count), async (n) => {
      begun.push(n);
      most = Math.max(most, ++underWay);
      await nextTick();
      underWay--;
    });
    expect(begun).toEqual(numbers(count));
    expect(most).toBe(Math.min(count, 25));
    // Nothing of it goes on.
    expect(underWay).toBe(0);
  },
);

it('a failure is that of the whole, and nothing is begun after it', async () => {
  const begun: number[] = [];
  const work = eachOf(numbers(60), async (n) => {
    begun.push(n);
    if (n === 27) throw new Error('throttled');
  });
  await expect(work).rejects.toThrow('throttled');
  expect(begun).toEqual(numbers(50));
});
