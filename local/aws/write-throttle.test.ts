import { expect, it } from 'vitest';
import { createWriteThrottle } from './write-throttle.ts';

it('takes its units a second in one partition, and as many in another', () => {
  let now = 0;
  const throttle = createWriteThrottle(1000, () => now);
  for (let n = 0; n < 10; n++) {
    expect(throttle.admits('a')).toBe(true);
    throttle.spend('a', 100);
  }
  expect(throttle.admits('a')).toBe(false);
  expect(throttle.admits('b')).toBe(true);
  expect(throttle.refused).toBe(1);
  now = 1;
  expect(throttle.admits('a')).toBe(true);
});

it('makes a large write wait for its units, and saves up no more than those of a second', () => {
  let now = 0;
  const throttle = createWriteThrottle(100, () => now);
  throttle.spend('a', 400);
  now = 3000;
  expect(throttle.admits('a')).toBe(false);
  now = 3001;
  expect(throttle.admits('a')).toBe(true);
  now = 1_000_000;
  throttle.spend('a', 100);
  expect(throttle.admits('a')).toBe(false);
});
