import { describe, expect, it } from 'vitest';
import { epochMs } from '../config/units.ts';
import { asConnectionId } from './ids.ts';
import type { Gateway } from './ports.ts';
import { post } from './post.ts';
import { memoryCore } from './testing/memory-core.ts';

const CONNECTION = asConnectionId('c');

type Outcome = Awaited<ReturnType<Gateway['post']>> | Error;

/** A gateway whose posts end so, one after the other, each after so many milliseconds. */
function given(outcomes: readonly Outcome[], { takesMs = 0, closes = async () => {} } = {}) {
  let now = 0;
  const calls: string[] = [];
  const core = memoryCore({
    clock: {
      now: () => epochMs(now),
      sleep: async (duration) => {
        now += duration;
      },
    },
    gateway: {
      async post() {
        now += takesMs;
        const outcome = outcomes[Math.min(calls.length, outcomes.length - 1)] ?? 'sent';
        calls.push('post');
        if (outcome instanceof Error) throw outcome;
        return outcome;
      },
      async disconnect() {
        calls.push('disconnect');
        await closes();
        return 'closed';
      },
    },
  });
  return { core, calls, elapsed: () => now };
}

const throttled = new Error('429');

describe('a post', () => {
  it('that arrives, and one to a connection that is gone, is made once', async () => {
    for (const outcome of ['sent', 'gone'] as const) {
      const { core, calls } = given([outcome]);
      expect(await post(core, CONNECTION, '{}')).toBe(outcome);
      expect(calls).toEqual(['post']);
    }
  });

  it('that is throttled is repeated until it arrives', async () => {
    const { core, calls } = given([throttled, throttled, 'sent']);
    expect(await post(core, CONNECTION, '{}')).toBe('sent');
    expect(calls).toEqual(['post', 'post', 'post']);
  });

  it('P9: that is throttled for two seconds closes the connection, so that its client resumes', async () => {
    const { core, calls, elapsed } = given([throttled], { takesMs: 10 });
    expect(await post(core, CONNECTION, '{}')).toBe('gone');
    expect(calls.at(-1)).toBe('disconnect');
    expect(calls.length).toBeGreaterThan(3);
    // The pauses double: who is throttled asks less and less.
    expect(calls.length).toBeLessThan(10);
    expect(elapsed()).toBeLessThanOrEqual(2000);
  });

  it('P9: that nobody answers is not repeated: the connection is closed', async () => {
    const { core, calls } = given(['unanswered']);
    expect(await post(core, CONNECTION, '{}')).toBe('gone');
    expect(calls).toEqual(['post', 'disconnect']);
  });

  it('counts as gone also where the connection cannot be closed, which is tried three times', async () => {
    const { core, calls } = given(['unanswered'], { closes: () => Promise.reject(throttled) });
    expect(await post(core, CONNECTION, '{}')).toBe('gone');
    expect(calls).toEqual(['post', 'disconnect', 'disconnect', 'disconnect']);
  });
});
