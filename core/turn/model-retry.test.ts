import { expect, it } from 'vitest';
import { epochMs, milliseconds } from '../../config/units.ts';
import { readEvents } from '../events/journal.ts';
import type { Model, ModelPart } from '../model.ts';
import { turnInMemory } from '../testing/turn-in-memory.ts';

const BEGAN = 1_800_000_000_000;
const INVOCATION_MS = 10_000;
const RESERVE_MS = 2000;

it('P11: a pause before a repeated call is handed over before its invocation runs out of time', async () => {
  let now = BEGAN;
  /** Each invocation begins with the call that it makes. */
  let began = now;
  const left: number[] = [];
  const model: Model = {
    provider: 'test',
    name: 'limited',
    async *stream(): AsyncGenerator<ModelPart> {
      left.push(INVOCATION_MS - (now - began));
      if (left.length === 1)
        yield {
          type: 'failure',
          failure: {
            code: 'PROVIDER_ERROR',
            reason: 'throttled',
            message: 'Limited.',
            retryable: true,
            diagnostic: 'scripted',
            retryAfterMs: milliseconds(20_000),
          },
        };
      else {
        yield { type: 'text', text: 'yes' };
        yield { type: 'finish', reason: 'stop', usage: { inputTokens: 1, outputTokens: 1 } };
      }
    },
  };
  const turn = await turnInMemory(model, {
    core: {
      clock: {
        now: () => epochMs(now),
        sleep: async (duration) => {
          now += duration;
        },
      },
    },
    worker: {
      remainingMs: () => milliseconds(INVOCATION_MS - (now - began)),
      reserveMs: milliseconds(RESERVE_MS),
    },
    onDelivery: () => {
      began = now;
    },
  });
  await turn.send('m', 'hello');
  expect(await turn.run()).toBe(2);
  expect(left).toHaveLength(2);
  expect(Math.min(...left)).toBeGreaterThanOrEqual(RESERVE_MS);
  const events = await readEvents(turn.core, turn.session, 1);
  expect(events.at(-1)).toMatchObject({ type: 'done' });
});
