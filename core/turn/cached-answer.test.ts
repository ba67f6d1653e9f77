import { expect, it } from 'vitest';
import { readRetention } from '../../config/settings/limits.ts';
import { epochMs } from '../../config/units.ts';
import { around, textOfBytes } from '../../test/support/text.ts';
import type { Model } from '../model.ts';
import { turnInMemory } from '../testing/turn-in-memory.ts';

const HOUR_MS = 3_600_000;
const BEGAN = 1_800_000_000_000;

/** Asks the same twice, so long after one another. @returns how often the model was called */
async function callsWhenAskedAgainAfter(
  ms: number,
  { answer = 'the answer', settings = {} }: { answer?: string; settings?: Record<string, string> } = {},
): Promise<number> {
  let now = BEGAN;
  let calls = 0;
  const model: Model = {
    provider: 'test',
    name: 'counted',
    fingerprint: 'counted',
    async *stream() {
      calls++;
      yield { type: 'text', text: answer };
      yield { type: 'finish', reason: 'stop', usage: { inputTokens: 1, outputTokens: 1 } };
    },
  };
  const turn = await turnInMemory(model, {
    core: {
      retention: readRetention({ MIDTURN_RETENTION_DAYS: '1' }),
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
      ...settings,
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

it('a cached answer lives no longer than the transcript of its turn', async () => {
  const settings = { MIDTURN_RESPONSE_CACHE_HOURS: '48' };
  expect(await callsWhenAskedAgainAfter(24 * HOUR_MS - 1000, { settings })).toBe(1);
  expect(await callsWhenAskedAgainAfter(24 * HOUR_MS + 1000, { settings })).toBe(2);
});

it.each(['x', '€', '😀'])('an answer of more than 300,000 bytes of %s is not cached', async (unit) => {
  const calls: number[] = [];
  for (const bytes of around(300_000))
    calls.push(await callsWhenAskedAgainAfter(1000, { answer: textOfBytes(bytes, unit) }));
  expect(calls).toEqual([1, 1, 2]);
});
