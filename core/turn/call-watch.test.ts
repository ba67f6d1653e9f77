import { expect, it } from 'vitest';
import { epochMs, milliseconds } from '../../config/units.ts';
import { CallWatch } from './call-watch.ts';
import type { TurnContext } from './context.ts';

const BEGAN = 1_800_000_000_000;

/** A call that is watched from now on. */
function watched({ stallMs, waitMs }: { stallMs: number; waitMs: number }) {
  let now = BEGAN;
  const watch = new CallWatch({
    core: { clock: { now: () => epochMs(now), sleep: async () => {} } },
    settings: { stallMs: milliseconds(stallMs), waitMs: milliseconds(waitMs) } as TurnContext['settings'],
  });
  return {
    watch,
    /** The first millisecond from now on at which it counts as silent. */
    silentAfter: () => {
      const from = now;
      while (!watch.isSilent) now++;
      const after = now - from;
      now = from;
      return after;
    },
    wait: (ms: number) => {
      now += ms;
    },
  };
}

it('a call is silent when nothing at all has come for one limit, or nothing to show for the other', () => {
  const { watch, silentAfter, wait } = watched({ stallMs: 100, waitMs: 1000 });
  expect(silentAfter()).toBe(100);
  wait(50);
  watch.alive();
  expect(silentAfter()).toBe(100);
  watch.heard();
  expect(silentAfter()).toBe(100);
  for (let n = 0; n < 19; n++) {
    wait(50);
    watch.alive();
  }
  // 950 ms of life signs, and nothing to show.
  expect(silentAfter()).toBe(50);
  wait(30);
  watch.heard();
  expect(silentAfter()).toBe(100);
});

it('a call may be without anything to show for as long as it may be without anything', () => {
  const { watch, silentAfter, wait } = watched({ stallMs: 100, waitMs: 10 });
  expect(silentAfter()).toBe(100);
  wait(99);
  watch.alive();
  expect(silentAfter()).toBe(1);
});

it('the failure says for how long: to the user since there was something to show, to the log both', () => {
  const { watch, wait } = watched({ stallMs: 1000, waitMs: 1000 });
  wait(2600);
  watch.alive();
  wait(4500);
  expect(watch.silent).toEqual({
    code: 'PROVIDER_ERROR',
    reason: 'stalled',
    message: 'The model sent nothing for 7 seconds.',
    retryable: true,
    diagnostic: 'no part of the answer for 7 s, and no byte for 5 s',
  });
});
