import { expect, it } from 'vitest';
import { usdOf, WAKE_UPS } from './wake-up.ts';

/** US dollars per million turns that a wake-up may cost (decision 0192). */
const MOST = 4;

it('a wake-up beside the token that keeps the promises costs more than it may', () => {
  const [dropped, ...safe] = WAKE_UPS.map((one) => ({ name: one.name, pays: usdOf(one) <= MOST }));
  // Cheap enough, but a token that comes while a turn runs would take that turn from its living worker.
  expect(dropped).toEqual({ name: 'the token is dropped', pays: true });
  expect(safe.map(({ pays }) => pays)).toEqual([false, false, false]);
});
