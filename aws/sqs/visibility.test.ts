import { setImmediate as nextTick } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { epochMs, milliseconds, type Seconds, seconds } from '../../config/units.ts';
import { holdMessage } from './visibility.ts';

const log = { info() {}, warn() {}, error() {}, with: () => log };

interface Hidden {
  at: number;
  seconds: number;
}

/** Time passes only in `advance`. `hide` takes so long. */
function held(visibility: Seconds, hideMs = 0) {
  let now = 0;
  const sleepers = new Set<{ at: number; wake: () => void }>();
  const clock = {
    now: () => epochMs(now),
    sleep: (ms: number, signal?: AbortSignal) =>
      new Promise<void>((resolve) => {
        if (signal?.aborted) return resolve();
        const sleeper = { at: now + ms, wake: resolve };
        sleepers.add(sleeper);
        signal?.addEventListener('abort', () => {
          sleepers.delete(sleeper);
          resolve();
        });
      }),
  };
  const begun: Hidden[] = [];
  const done: Hidden[] = [];
  const message = holdMessage({
    visibility,
    clock,
    log,
    async hide(duration) {
      const hidden = { at: now, seconds: duration };
      begun.push(hidden);
      if (hideMs > 0) await clock.sleep(milliseconds(hideMs));
      done.push(hidden);
    },
  });
  async function advance(ms: number) {
    const until = now + ms;
    for (;;) {
      await nextTick();
      const [next] = [...sleepers].sort((a, b) => a.at - b.at);
      if (!next || next.at > until) break;
      sleepers.delete(next);
      now = Math.max(now, next.at);
      next.wake();
    }
    now = until;
  }
  return { message, begun, done, advance };
}

describe('a message that is held', () => {
  it('P8: is hidden again after each third of its visibility, for the whole of it, however slow the queue', async () => {
    const thirds = fc.integer({ min: 1, max: 300 });
    const slowness = fc.double({ min: 0, max: 1, noNaN: true });
    await fc.assert(
      fc.asyncProperty(thirds, slowness, async (third, slow) => {
        const visibility = seconds(third * 3);
        const { message, begun, advance } = held(visibility, Math.floor(slow * third * 1000));
        await advance(third * 4500);
        const times = [0, 1, 2, 3, 4].map((n) => ({ at: n * third * 1000, seconds: visibility }));
        expect(begun).toEqual(times);
        const stopped = message.stop();
        await advance(third * 1000);
        await stopped;
      }),
      { numRuns: 20 },
    );
  });

  it('that was handed back while it is being hidden stays handed back: that comes last', async () => {
    const { message, begun, done, advance } = held(seconds(30), 500);
    // The second time has begun, and has no answer yet.
    await advance(10_200);
    const handedBack = message.handBack();
    await advance(10_000);
    await handedBack;
    const all = [30, 30, 0];
    expect(done.map((hidden) => hidden.seconds)).toEqual(all);
    expect(begun.map((hidden) => hidden.at)).toEqual([0, 10_000, 10_500]);
    await advance(60_000);
    expect(begun).toHaveLength(all.length);
  });
});
