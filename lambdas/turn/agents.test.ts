import { describe, expect, it } from 'vitest';
import { memoryCore } from '../../core/testing/memory-core.ts';
import { defineAgent } from '../../model/agent/define-agent.ts';
import { defineAgents } from '../../model/agent/define-agents.ts';
import { createAgents } from './agents.ts';

const asked: unknown[] = [];
const agents = createAgents(
  { MIDTURN_MODEL: 'demo' },
  memoryCore(),
  defineAgents(
    { support: defineAgent({ instructions: 'Help.' }), sales: defineAgent({ instructions: 'Sell.' }) },
    {
      default: 'sales',
      choose: (wish) => {
        asked.push(wish);
        return wish.asked;
      },
    },
  ),
);

describe('of several agents, a session', () => {
  it.each(['support', 'sales'])('that has %s is served by it, and nothing is chosen', async (name) => {
    const served = await agents.agentFor({ agent: name });
    expect(served.name).toBe(name);
    expect(served).not.toHaveProperty('choice');
  });

  it('that has none is given the usual one until the agent’s code has chosen, of what the client asked for', async () => {
    const { name, choice } = await agents.agentFor({});
    expect(name).toBe('sales');
    if (typeof choice !== 'object') throw new Error('nothing to choose');
    const who = { principal: { tenant: 'acme', subject: 'ann' }, claims: { role: 'staff' } };
    expect(await choice.choose(who, 'support')).toBe('support');
    expect(await choice.choose(who, undefined)).toBeUndefined();
    expect(asked).toEqual([
      { ...who, asked: 'support' },
      { ...who, asked: undefined },
    ]);
  });

  it.each(['gone', '__proto__', ''])('whose agent there is no more ("%s") is told so', async (name) => {
    expect(await agents.agentFor({ agent: name })).toMatchObject({ name: 'sales', choice: 'gone' });
  });
});
