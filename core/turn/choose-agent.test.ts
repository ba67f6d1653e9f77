import { expect, it } from 'vitest';
import { readSessionSettings } from '../../config/settings/sessions.ts';
import { asMessageId } from '../ids.ts';
import type { Model } from '../model.ts';
import type { BusEvent } from '../ports.ts';
import { messageKey } from '../store/keys.ts';
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

it.each<[string, string | undefined, string | undefined, object]>([
  ['the one that is asked for', 'sales', 'sales', { outcome: 'taken' }],
  ['one where none is asked for', undefined, 'sales', { outcome: 'taken' }],
  ['another one than is asked for', 'support', 'sales', { outcome: 'withdrawn', code: 'AGENT_UNAVAILABLE' }],
  ['none', 'sales', undefined, { outcome: 'withdrawn', code: 'AGENT_UNAVAILABLE' }],
  [
    'one that clients are not offered',
    'hidden',
    'hidden',
    { outcome: 'withdrawn', code: 'AGENT_UNAVAILABLE' },
  ],
])('P2: the agent’s code gives a session %s', async (_, wish, given, outcome) => {
  const turn = await turnInMemory(model, {
    core: { sessionSettings: readSessionSettings({ MIDTURN_AGENTS: 'sales,support' }) },
    ...(wish !== undefined && { connection: { agent: wish } }),
    worker: {
      agentFor: async ({ agent }) => ({
        model,
        toolbox: idleToolbox,
        ...(agent === undefined ? { choice: { choose: async () => given } } : { name: agent }),
      }),
    },
  });
  await turn.send('m1', 'Where is it?');
  await turn.run();
  expect(await turn.core.store.get(messageKey(turn.session, asMessageId('m1')))).toMatchObject(outcome);
});
