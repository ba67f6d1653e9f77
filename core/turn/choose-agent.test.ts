import { expect, it } from 'vitest';
import type { Model } from '../model.ts';
import type { BusEvent } from '../ports.ts';
import { idleToolbox, turnInMemory } from '../testing/turn-in-memory.ts';

const model: Model = {
  provider: 'test',
  name: 'm',
  async *stream() {
    yield { type: 'text', text: 'Here.' };
    yield { type: 'finish', reason: 'stop', usage: { inputTokens: 1, outputTokens: 1 } };
  },
};

it('P11: the bus is told of the agent with the first turn of a session, as with each later one', async () => {
  const told: BusEvent[] = [];
  const turn = await turnInMemory(model, {
    core: {
      bus: {
        async put(events) {
          told.push(...events);
        },
      },
    },
    worker: {
      agentFor: async ({ agent }) => ({
        model,
        toolbox: idleToolbox,
        ...(agent === undefined && { choice: { choose: async () => 'sales' } }),
      }),
    },
  });
  for (const id of ['m1', 'm2']) {
    await turn.send(id, 'Where is it?');
    await turn.run();
  }
  expect(told.map(({ type, detail }) => [type, 'agent' in detail && detail.agent])).toEqual([
    ['Turn Ended', 'sales'],
    ['Turn Ended', 'sales'],
  ]);
});
