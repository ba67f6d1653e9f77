import { expect, test } from 'vitest';
import type { Core } from '../core.ts';
import { readEvents } from '../events/journal.ts';
import type { Model } from '../model.ts';
import { isWrite, MemoryTable, memoryStore } from '../testing/memory-store.ts';
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

test('P1: a turn whose use cannot be counted ends, and its session goes on', async () => {
  let calls = 0;
  const model: Model = {
    provider: 'test',
    name: 'm',
    async *stream() {
      calls += 1;
      yield { type: 'text', text: `Answer ${calls}.` };
      yield { type: 'finish', reason: 'stop', usage: { inputTokens: 10, outputTokens: 5 } };
    },
  };
  let isRefused = true;
  const store = memoryStore(new MemoryTable(), async (call, run) => {
    if (isRefused && isWrite(call) && call.key.pk.startsWith('SPEND#')) throw new Error('an item of 400 KB');
    return run();
  });
  const logged: string[] = [];
  const log: Core['log'] = {
    info() {},
    warn() {},
    error: (message) => void logged.push(message),
    with: () => log,
  };
  const budgets = { principal: { tokens: 1e9 }, tenant: {} };
  const turn = await turnInMemory(model, {
    budgeting: { holders: ['principal'], of: async () => budgets },
    core: { store, log },
  });
  await turn.send('m1', 'hello');
  expect(await turn.run()).toBeLessThan(30);
  expect(calls).toBe(1);
  expect(logged).toContain('what a turn used was not counted');
  isRefused = false;
  await turn.send('m2', 'and now');
  expect(await turn.run()).toBe(1);
  const events = await readEvents(turn.core, turn.session, 1);
  expect(events.filter(({ type }) => type === 'done' || type === 'error')).toMatchObject([
    { type: 'error', code: 'AGENT_ERROR' },
    { type: 'done' },
  ]);
});
