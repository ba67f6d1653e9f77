import { expect, it } from 'vitest';
import { readEvents } from '../events/journal.ts';
import { asMessageId } from '../ids.ts';
import type { Model, ModelPart } from '../model.ts';
import { laneKey } from '../store/keys.ts';
import { withdrawPending } from '../store/lane/withdraw.ts';
import { MemoryTable, memoryStore } from '../testing/memory-store.ts';
import { type TurnInMemory, turnInMemory } from '../testing/turn-in-memory.ts';

it('a finished answer stays finished if the message that was to follow it is withdrawn in that moment', async () => {
  const late = asMessageId('late');
  let calls = 0;
  const model: Model = {
    provider: 'test',
    name: 'counted',
    async *stream(): AsyncGenerator<ModelPart> {
      if (++calls === 1) await turn.send(late, 'and more');
      yield { type: 'text', text: 'the answer' };
      yield { type: 'finish', reason: 'stop', usage: { inputTokens: 1, outputTokens: 1 } };
    },
  };
  const table = new MemoryTable();
  let withdrawals = 0;
  const store = memoryStore(table, async (call, run) => {
    const text = JSON.stringify(call);
    // The commit that applies it finds the inbox changed.
    if (call.operation === 'update' && text.includes('"unspilled"') && text.includes('and more')) {
      const key = laneKey(turn.session, turn.lane);
      const message = table.get(key)?.inbox[late];
      if (!message) throw new Error('the message is not pending');
      expect(table.update(key, withdrawPending(turn.session, 'inbox', late, message)).ok).toBe(true);
      withdrawals++;
    }
    return run();
  });
  const turn: TurnInMemory = await turnInMemory(model, { core: { store } });
  await turn.send('m', 'hello');
  expect(await turn.run()).toBe(1);
  const events = await readEvents(turn.core, turn.session, 1);
  expect(withdrawals).toBe(1);
  expect(events.map(({ type }) => type)).toEqual(['turn_start', 'applied', 'chunk', 'done']);
  expect(calls).toBe(1);
});
