import { expect, it } from 'vitest';
import { readSessionSettings } from '../../config/settings/sessions.ts';
import { asMessageId } from '../ids.ts';
import type { Model } from '../model.ts';
import type { BusEvent } from '../ports.ts';
import { messageKey, sessionKey } from '../store/keys.ts';
import { idleToolbox, type TurnInMemory, turnInMemory } from '../testing/turn-in-memory.ts';
import { virtualClock } from '../testing/virtual-clock.ts';
import type { AgentChoice } from './context.ts';

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

/** A session that is given an agent as this code says, and the names of the agents that were asked for. */
async function choosing(choose: AgentChoice['choose'], more: Parameters<typeof turnInMemory>[1] = {}) {
  const served: (string | undefined)[] = [];
  const turn = await turnInMemory(model, {
    ...more,
    core: { clock: virtualClock(), ...more.core },
    worker: {
      agentFor: async ({ agent }) => {
        served.push(agent);
        return {
          model,
          toolbox: idleToolbox,
          ...(agent === undefined ? { choice: { choose } } : { name: agent }),
        };
      },
    },
  });
  return {
    turn,
    served,
    outcomeOf: (id: string) => turn.core.store.get(messageKey(turn.session, asMessageId(id))),
    agent: async () => (await turn.core.store.get(sessionKey(turn.session)))?.agent,
  };
}

it('the agent’s code is told who asks, what the token proved, and what is asked for', async () => {
  const asked: unknown[] = [];
  const choose: AgentChoice['choose'] = async (...who) => {
    asked.push(who);
    return 'sales';
  };
  const { turn, served, agent } = await choosing(choose, {
    core: { sessionSettings: readSessionSettings({ MIDTURN_AGENTS: 'sales' }) },
    connection: { agent: 'sales', claims: JSON.stringify({ plan: 'pro' }) },
  });
  await turn.send('m1', 'Where is it?');
  await turn.run();
  await turn.send('m2', 'And now?');
  await turn.run();
  const who = { principal: { tenant: 'acme', subject: 'ann' }, claims: { plan: 'pro' } };
  expect(asked).toEqual([[who, 'sales']]);
  expect(await agent()).toBe('sales');
  expect(served.slice(1)).toEqual(['sales', 'sales']);
});

it.each<[string, () => Promise<string>]>([
  ['fails', () => Promise.reject(new Error('SECRET'))],
  ['takes longer than ten seconds', () => new Promise(() => {})],
])(
  'P2: a message is withdrawn where the agent’s code %s, and the session stays without an agent',
  async (_, choose) => {
    const clock = virtualClock();
    const { turn, outcomeOf, agent } = await choosing(choose, { core: { clock } });
    const began = clock.now();
    await turn.send('m1', 'Where is it?');
    await turn.run();
    expect(await outcomeOf('m1')).toMatchObject({ outcome: 'withdrawn', code: 'AGENT_ERROR' });
    expect(await agent()).toBeUndefined();
    expect(clock.now() - began).toBeLessThanOrEqual(10_000);
  },
);

it('P1, P2: the first message that can have an agent decides, and those before it are withdrawn', async () => {
  let asked = 0;
  const { turn, outcomeOf, agent } = await choosing(async () => (++asked === 1 ? undefined : 'sales'));
  for (const id of ['m1', 'm2', 'm3']) await turn.send(id, 'Where is it?');
  await turn.run();
  expect(await outcomeOf('m1')).toMatchObject({ outcome: 'withdrawn', code: 'AGENT_UNAVAILABLE' });
  for (const id of ['m2', 'm3']) expect(await outcomeOf(id)).toMatchObject({ outcome: 'taken' });
  expect(await agent()).toBe('sales');
});

it('P8: the choice that was stored first counts', async () => {
  let turn: TurnInMemory | undefined;
  const all = await choosing(async () => {
    if (!turn) throw new Error('no session');
    const key = sessionKey(turn.session);
    const item = await turn.core.store.get(key);
    if (item) await turn.core.store.put(key, { ...item, agent: 'support' });
    return 'sales';
  });
  turn = all.turn;
  await turn.send('m1', 'Where is it?');
  await turn.run();
  expect(await all.agent()).toBe('support');
  expect(all.served).toEqual([undefined, 'support']);
});
