import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { asClock, inWords, secondsLeft } from './seconds-left.ts';

const T = 1_700_000_000_000;

it('how long an answer counts is told down to its end, never as more than there was', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 3600 }),
      fc.integer({ min: 0, max: 3_600_000 }),
      (timeoutSeconds, passed) => {
        const left = secondsLeft({ timeoutSeconds, askedAt: T }, T + passed);
        if (passed < timeoutSeconds * 1000 + 1000) {
          expect(left).toBe(Math.max(0, Math.ceil(timeoutSeconds - passed / 1000)));
        } else expect(left).toBeUndefined();
      },
    ),
  );
});

it.each([
  ['the server does not tell when it asked', undefined],
  ['this clock is ahead by more than the answer takes', T - 61_000],
  ['this clock is behind', T + 6_000],
])('nothing is counted where %s', (_, askedAt) => {
  expect(secondsLeft({ timeoutSeconds: 60, askedAt }, T)).toBeUndefined();
});

it('a clock that is a little behind shows no more than there was', () => {
  expect(secondsLeft({ timeoutSeconds: 60, askedAt: T + 2_000 }, T)).toBe(60);
});

it.each([
  [0, '0:00'],
  [9, '0:09'],
  [105, '1:45'],
  [3600, '60:00'],
])('%i seconds are shown as %s', (seconds, text) => expect(asClock(seconds)).toBe(text));

it.each([
  [119, '119 seconds'],
  [120, '2 minutes'],
  [149, '2 minutes'],
  [150, '3 minutes'],
])('%i seconds are said as %s', (seconds, words) => expect(inWords(seconds)).toBe(words));
