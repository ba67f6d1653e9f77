import { expect, it } from 'vitest';
import {
  after,
  between,
  type EpochMs,
  type EpochSeconds,
  epochMs,
  epochSeconds,
  expiresAfter,
  type Milliseconds,
  milliseconds,
  type Seconds,
  seconds,
  toMs,
  toSeconds,
  toWholeSeconds,
} from './units.ts';

it('converts between seconds and milliseconds, fractions included', () => {
  expect(toMs(seconds(2))).toBe(2000);
  expect(toMs(seconds(0.25))).toBe(250);
  expect(toSeconds(milliseconds(1500))).toBe(1.5);
  expect(toWholeSeconds(milliseconds(1001))).toBe(2);
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

it('counts from one instant to another, and gives an expiry in whole seconds', () => {
  const now = epochMs(10_999);
  expect(after(now, milliseconds(1))).toBe(11_000);
  expect(between(now, epochMs(11_000))).toBe(1);
  expect(expiresAfter(now, seconds(5))).toBe(15);
});

it('does not compile where an instant of one unit stands for the other, or a duration for an instant', () => {
  const since = (_instant: EpochMs) => 'milliseconds since the epoch';
  const expires = (_instant: EpochSeconds) => 'seconds since the epoch';
  since(epochMs(1));
  expires(epochSeconds(1));
  // @ts-expect-error an item that expired at so many milliseconds would stay for ever
  expires(epochMs(1));
  // @ts-expect-error seconds since the epoch are an instant in 1970 where milliseconds are read
  since(epochSeconds(1));
  // @ts-expect-error a duration is no instant
  since(milliseconds(1));
  // @ts-expect-error what is kept for a duration expires at an instant
  expires(seconds(1));
  // @ts-expect-error items are kept for seconds
  expiresAfter(epochMs(1), milliseconds(1));
});
