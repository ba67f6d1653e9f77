import { expect, it } from 'vitest';
import { type Milliseconds, milliseconds, type Seconds, seconds, toMs, toSeconds } from './units.ts';

it('converts between seconds and milliseconds, fractions included', () => {
  expect(toMs(seconds(2))).toBe(2000);
  expect(toMs(seconds(0.25))).toBe(250);
  expect(toSeconds(milliseconds(1500))).toBe(1.5);
});

it('does not compile where one unit stands for the other, or a plain number for either', () => {
  const wait = (_duration: Milliseconds) => 'milliseconds';
  const hide = (_duration: Seconds) => 'seconds';
  wait(milliseconds(1));
  hide(seconds(1));
  // @ts-expect-error seconds are not milliseconds
  wait(seconds(1));
  // @ts-expect-error milliseconds are not seconds
  hide(milliseconds(1));
  // @ts-expect-error a plain number has no unit
  wait(1);
  // @ts-expect-error the sum of two durations has none either, until it is named
  hide(seconds(1) + seconds(2));
});
