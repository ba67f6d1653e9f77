import { expect, it } from 'vitest';
import { sessionInMemory } from '../testing/session-in-memory.ts';
import { refuseAgent } from './refuse-agent.ts';

it.each([
  ['cook', undefined, []],
  ['guide', undefined, []],
  ['guide,', undefined, ['AGENT_UNAVAILABLE']],
  ['secret', undefined, ['AGENT_UNAVAILABLE']],
  ['secret', 'secret', []],
  ['cook', 'secret', ['AGENT_FIXED']],
  ['unknown', 'cook', ['AGENT_FIXED']],
  [undefined, 'secret', []],
  [undefined, undefined, []],
])(
  'P12: a client that asks for the agent %s of a session that has %s is told %j',
  async (wish, agent, codes) => {
    const { core, told, from } = sessionInMemory({
      lanes: { mine: {} },
      session: agent === undefined ? {} : { agent },
    });
    Object.assign(core, { sessionSettings: { ...core.sessionSettings, agents: 'cook,guide' } });
    await refuseAgent(core, from('mine'), wish);
    expect(told('mine').map(({ code }) => code)).toEqual(codes);
    for (const error of told('mine'))
      expect(error).toMatchObject({ type: 'error', path: 'agent', retryable: false });
  },
);
