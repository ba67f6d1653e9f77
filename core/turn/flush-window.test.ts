import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { epochMs, milliseconds } from '../../config/units.ts';
import { FlushWindow } from './flush-window.ts';

/** When a stream that never pauses is committed, from its first piece on, for so long. */
function commitsOf(window: FlushWindow, forMs: number): number[] {
  const at: number[] = [];
  for (let now = 0; now <= forMs; now++) {
    if (window.left(epochMs(now)) > 0) continue;
    window.flushed(epochMs(now));
    at.push(now);
  }
  return at;
}

const gapsOf = (at: readonly number[]) => at.slice(1).map((time, n) => time - (at[n] ?? 0));

describe('the window in which text is gathered', () => {
  it('lets the first piece go at once, then grows from 60 to 400 ms, never to more than twice the last one', () => {
    const at = commitsOf(new FlushWindow(undefined), 10_000);
    expect(at[0]).toBe(0);
    const gaps = gapsOf(at);
    expect(gaps.slice(0, 3)).toEqual([60, 120, 240]);
    expect(new Set(gaps.slice(3))).toEqual(new Set([400]));
    expect(at.length).toBeLessThan(30);
  });

  it('is always the same where a deployment sets it', () => {
    expect(new Set(gapsOf(commitsOf(new FlushWindow(milliseconds(100)), 2000)))).toEqual(new Set([100]));
    expect(commitsOf(new FlushWindow(milliseconds(0)), 10)).toHaveLength(11);
  });

  it('begins anew after a pause, and where text follows thoughts: what comes is shown at once', () => {
    const window = new FlushWindow(undefined);
    commitsOf(window, 5000);
    expect(window.left(epochMs(9000))).toBeLessThanOrEqual(0);
    window.flushed(epochMs(9000));
    expect(window.left(epochMs(9000))).toBe(60);
    commitsOf(window, 5000);
    window.beginAnew();
    expect(window.left(epochMs(9001))).toBe(0);
  });

  it('is never longer than 400 ms, whenever pieces come', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 3000 }), { maxLength: 40 }), (pauses) => {
        const window = new FlushWindow(undefined);
        let now = 0;
        for (const pause of pauses) {
          now += pause;
          if (window.left(epochMs(now)) <= 0) window.flushed(epochMs(now));
          expect(window.left(epochMs(now))).toBeLessThanOrEqual(400);
        }
      }),
    );
  });
});
