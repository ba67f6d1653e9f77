import { expect, test } from 'vitest';
import { readEvents } from '../events/journal.ts';
import type { Model } from '../model.ts';
import { turnInMemory } from '../testing/turn-in-memory.ts';

test('P1: a turn whose worker dies after each commit is given up, and its model is not called for ever', async () => {
  let calls = 0;
  const model: Model = {
    provider: 'test',
    name: 'dies',
    async *stream() {
      calls++;
      // Progress, so that the attempts begin anew; then the worker dies.
      yield { type: 'text', text: 'word ' };
      yield { type: 'text', text: 'word ' };
      throw new Error('the worker dies');
    },
  };
  const turn = await turnInMemory(model);
  await turn.send('m', 'hello');
  expect(await turn.run()).toBeLessThan(30);
  expect(calls).toBeLessThan(30);
  const events = await readEvents(turn.core, turn.session, 1);
  expect(events.filter(({ type }) => type === 'done' || type === 'error')).toMatchObject([
    { type: 'error', code: 'AGENT_ERROR' },
  ]);
  expect(events.at(-1)?.type).toBe('error');
  const after = await turn.read();
  expect(after?.turn).toBeUndefined();
  expect(after?.claims).toBeUndefined();
});
