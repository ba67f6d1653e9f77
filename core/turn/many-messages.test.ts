import { expect, test } from 'vitest';
import { MAX_CONTENT_BYTES } from '../../protocol/limits.ts';
import { readEvents } from '../events/journal.ts';
import type { Model } from '../model.ts';
import { MAX_IDS } from '../store/lane/lane.ts';
import { type TurnInMemory, turnInMemory } from '../testing/turn-in-memory.ts';

/** A model that answers at once. During each of its first calls `meanwhile` runs. */
function steered(times: number, meanwhile: (call: number) => Promise<void>): Model {
  let calls = 0;
  return {
    provider: 'test',
    name: 'steered',
    async *stream() {
      yield { type: 'text', text: 'word ' };
      if (calls++ < times) await meanwhile(calls);
      yield { type: 'finish', reason: 'stop', usage: { inputTokens: 1, outputTokens: 1 } };
    },
  };
}

async function appliedIn(turn: TurnInMemory): Promise<string[]> {
  const events = await readEvents(turn.core, turn.session, 1);
  return events.flatMap((event) => (event.type === 'applied' ? event.messages.map(({ id }) => id) : []));
}

test('P1: the ids of a turn are bounded; what it accepts is applied, and the next turn accepts again', async () => {
  const accepted = ['first'];
  const turn: TurnInMemory = await turnInMemory(
    steered(20, async (call) => {
      for (let n = 0; n < 40; n++) {
        const id = `message-${call}-${n}`;
        if (await turn.send(id, 'more')) accepted.push(id);
      }
    }),
  );
  await turn.send('first', 'hello');
  expect(await turn.run()).toBeDefined();
  expect(accepted.length).toBeLessThan(MAX_IDS + 64);
  expect((await appliedIn(turn)).toSorted()).toEqual(accepted.toSorted());
  expect(await turn.send('later', 'hello again')).toBe(true);
  expect(await turn.run()).toBeDefined();
  expect(await appliedIn(turn)).toContain('later');
});

test('P1: an inbox whose JSON is six times as long as its bytes is applied whole', async () => {
  const accepted = ['first'];
  // As JSON, each of these characters has six bytes.
  const content = '\u0001'.repeat(MAX_CONTENT_BYTES / 6 - 1);
  const turn: TurnInMemory = await turnInMemory(
    steered(1, async () => {
      for (let n = 0; n < 64; n++)
        if (await turn.send(`message-${n}`, content)) accepted.push(`message-${n}`);
    }),
  );
  await turn.send('first', 'hello');
  expect(await turn.run()).toBe(1);
  expect(accepted.length).toBeGreaterThan(30);
  expect((await appliedIn(turn)).toSorted()).toEqual(accepted.toSorted());
});
