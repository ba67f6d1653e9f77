import { setImmediate as nextTick } from 'node:timers/promises';
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { epochMs, milliseconds, type Seconds, seconds } from '../../config/units.ts';
import { holdMessage } from './visibility.ts';

const errors: string[] = [];
const log = { info() {}, warn() {}, error: (text: string) => void errors.push(text), with: () => log };
beforeEach(() => void errors.splice(0));

interface Hidden {
  at: number;
  seconds: number;
}

/** Time passes only in `advance`. `hide` takes so long, and those that `fails` names fail, counted from 0. */
function held(visibility: Seconds, hideMs = 0, fails: (n: number) => boolean = () => false) {
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
      const n = begun.push(hidden) - 1;
      if (hideMs > 0) await clock.sleep(milliseconds(hideMs));
      if (fails(n)) throw new Error('no');
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

  it('P8: is hidden on after each failure, which is logged: whatever fails, the next third has its try', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.boolean(), { minLength: 6, maxLength: 6 }), async (failing) => {
        errors.length = 0;
        const { message, begun, advance } = held(seconds(30), 0, (n) => failing[n] ?? false);
        await advance(50_000);
        expect(begun.map(({ at }) => at)).toEqual([0, 1, 2, 3, 4, 5].map((n) => n * 10_000));
        expect(errors).toEqual(failing.filter(Boolean).map(() => 'heartbeat failed'));
        await message.held;
        await message.stop();
      }),
      { numRuns: 20 },
    );
  });

  it.each([
    [999, 999],
    [1000, 1000],
    [20_000, 1000],
  ])('P1: whose first heartbeat takes %d ms holds its turn up for %d ms', async (slow, waited) => {
    const { message, advance } = held(seconds(300), slow);
    let isHeld = false;
    void message.held.then(() => {
      isHeld = true;
    });
    await advance(waited - 1);
    expect(isHeld).toBe(false);
    await advance(1);
    await nextTick();
    expect(isHeld).toBe(true);
    const stopped = message.stop();
    await advance(slow);
    await stopped;
  });

  it('that cannot be handed back fails its job, so that the queue gives it again after its visibility', async () => {
    const { message, advance } = held(seconds(30), 0, (n) => n === 1);
    await advance(0);
    await expect(message.handBack()).rejects.toThrow('no');
    expect(errors).toEqual([]);
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
