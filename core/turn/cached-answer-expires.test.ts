import { expect, it } from 'vitest';
import { epochMs } from '../../config/units.ts';
import type { Model } from '../model.ts';
import { turnInMemory } from '../testing/turn-in-memory.ts';

const HOUR_MS = 3_600_000;
const BEGAN = 1_800_000_000_000;

/** Asks the same twice, so long after one another. @returns how often the model was called */
async function callsWhenAskedAgainAfter(ms: number): Promise<number> {
  let now = BEGAN;
  let calls = 0;
  const model: Model = {
    provider: 'test',
    name: 'counted',
    fingerprint: 'counted',
    async *stream() {
      calls++;
      yield { type: 'text', text: 'the answer' };
      yield { type: 'finish', reason: 'stop', usage: { inputTokens: 1, outputTokens: 1 } };
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
    settings: {
      MIDTURN_RESPONSE_CACHE: 'principal',
      MIDTURN_RESPONSE_CACHE_HOURS: '2',
      MIDTURN_CONTEXT_TOKENS: '0',
    },
  });
  for (const id of ['m1', 'm2']) {
    await turn.send(id, 'the same question');
    await turn.run();
    now += ms;
  }
  return calls;
}

it('a cached answer is given until its hours are over, also while DynamoDB has not deleted it yet', async () => {
  expect(await callsWhenAskedAgainAfter(HOUR_MS)).toBe(1);
  expect(await callsWhenAskedAgainAfter(2 * HOUR_MS - 1000)).toBe(1);
  expect(await callsWhenAskedAgainAfter(2 * HOUR_MS + 1000)).toBe(2);
});
