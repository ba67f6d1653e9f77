import { expect, it } from 'vitest';
import { createThrottle } from './throttle.ts';

it('accepts a burst at once, then as many a second as its rate says, and no more after a rest than the burst', () => {
  const time = { now: 0 };
  const accepts = createThrottle({ rate: 2, burst: 3 }, () => time.now);
  const accepted = () => Array.from({ length: 10 }, accepts).filter(Boolean).length;
  expect(accepted()).toBe(3);
  time.now += 499;
  expect(accepted()).toBe(0);
  time.now += 1;
  expect(accepted()).toBe(1);
  time.now += 3_600_000;
  expect(accepted()).toBe(3);
});
