import { expect, it } from 'vitest';
import type { Core } from '../core.ts';
import { readEvents } from '../events/journal.ts';
import { asMessageId } from '../ids.ts';
import type { Model, ModelPart } from '../model.ts';
import { laneKey, messageKey } from '../store/keys.ts';
import { withdrawPending } from '../store/lane/withdraw.ts';
import { memoryCore } from '../testing/memory-core.ts';
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

it.each([
  ['cannot be checked', () => Promise.reject(new Error('SECRET')), 'AGENT_ERROR', [2]],
  ['do not fit', async () => ({ path: 'city' }), 'OPTIONS_INVALID', []],
] as const)(
  'P1, P2: messages whose options %s are withdrawn before a turn begins; the log has what is the agent’s fault',
  async (_, check, code, counts) => {
    const logged: unknown[] = [];
    const log: Core['log'] = {
      ...memoryCore().log,
      error: (text, fields) => void (text.includes('withdrawn') && logged.push(fields)),
      with: () => log,
    };
    let calls = 0;
    const model: Model = {
      provider: 'test',
      name: 'm',
      async *stream() {
        calls++;
        yield { type: 'finish', reason: 'stop', usage: { inputTokens: 1, outputTokens: 1 } };
      },
    };
    const turn = await turnInMemory(model, { preparation: { check }, core: { log } });
    for (const id of ['m1', 'm2']) await turn.send(id, 'hello');
    expect(await turn.run()).toBe(1);
    for (const id of ['m1', 'm2'])
      expect(await turn.core.store.get(messageKey(turn.session, asMessageId(id)))).toMatchObject({
        outcome: 'withdrawn',
        code,
      });
    expect(logged).toMatchObject(counts.map((count) => ({ count })));
    expect(logged).toHaveLength(counts.length);
    expect(await readEvents(turn.core, turn.session, 1)).toEqual([]);
    expect(calls).toBe(0);
  },
);
