import { expect, it } from 'vitest';
import { defineAgent } from '../model/agent/define-agent.ts';
import { defineAgents } from '../model/agent/define-agents.ts';
import { newSealKeys } from '../test/support/seal-keys.ts';
import { type AgentToCheck, checkAgent } from './agent-check.ts';
import { LocalCloudError } from './errors.ts';

const plain = { instructions: '', tools: {} };
const named = (load: AgentToCheck['load']): AgentToCheck => ({ name: 'agent/agent.ts', load });

it('a mistake in the agent’s definition is one line, where the cloud is started and the functions are built', async () => {
  const load = async () => ({
    agent: defineAgent({ ...plain, mcp: { my_docs: { url: 'https://docs.example' } } }),
  });
  await expect(checkAgent({}, named(load))).rejects.toThrow(LocalCloudError);
  await expect(checkAgent({}, named(load))).rejects.toThrow(
    /^agent\/agent\.ts: MCP server "my_docs": only letters, digits and - are allowed in its name, at most 32\.$/,
  );
});

it('what depends on where the agent runs is left to the function that runs it', async () => {
  await checkAgent(
    {},
    named(async () => {
      throw new Error('DATABASE_URL is not set');
    }),
  );
});

it('a model that the settings ask for and the agent does not name is one line too', async () => {
  const load = async () => ({ agent: defineAgent({ ...plain, model: 'openai/gpt-5' }) });
  await checkAgent({ MIDTURN_MODEL: 'agent' }, named(load));
  await expect(
    checkAgent(
      { MIDTURN_MODEL: 'agent:x' },
      named(async () => ({ agent: defineAgent(plain) })),
    ),
  ).rejects.toThrow('MIDTURN_MODEL is "agent:x", and agent/agent.ts has no model.');
  await expect(
    checkAgent({ MIDTURN_MODEL: 'agent', MIDTURN_FALLBACK_MODEL: 'agent' }, named(load)),
  ).rejects.toThrow('MIDTURN_FALLBACK_MODEL is "agent", and agent/agent.ts has no fallbackModel.');
});

it('a budget of money needs prices', async () => {
  const prices = { currency: 'USD', perMillionTokens: { m: { input: 1, output: 2 } } };
  for (const name of ['MIDTURN_PRINCIPAL_DAY_COST', 'MIDTURN_TENANT_DAY_COST']) {
    await checkAgent(
      { [name]: '0.5' },
      named(async () => ({ agent: defineAgent({ ...plain, prices }) })),
    );
    await expect(
      checkAgent(
        { [name]: '0.5' },
        named(async () => ({ agent: defineAgent(plain) })),
      ),
    ).rejects.toThrow(`${name} is set, and agent/agent.ts has no prices.`);
  }
});

it('a model that the agent names and no setting takes is said', async () => {
  const load = async () => ({ agent: defineAgent({ ...plain, model: 'openai/gpt-5' }) });
  expect(await checkAgent({}, named(load))).toContain('MIDTURN_MODEL=agent');
  expect(await checkAgent({ MIDTURN_MODEL: 'demo' }, named(load))).toBeUndefined();
});

it('the token of users is forwarded where it is kept; with nobody to prove who they are, that is said', async () => {
  const { publicKey } = newSealKeys();
  const load = async () => ({
    agent: defineAgent({ ...plain, mcp: { books: { url: 'https://books.example', forwardToken: true } } }),
  });
  await expect(checkAgent({ MIDTURN_AUTH: 'jwt' }, named(load))).rejects.toThrow(
    'agent/agent.ts gives "books" the token of users (forwardToken), and MIDTURN_FORWARD_TOKEN_KEY is not set',
  );
  const kept = { MIDTURN_AUTH: 'jwt', MIDTURN_FORWARD_TOKEN_KEY: publicKey };
  expect(await checkAgent(kept, named(load))).toBeUndefined();
  expect(await checkAgent({ MIDTURN_AUTH: 'none' }, named(load))).toContain('they have none');
});

it('of several agents, each names what the settings ask for, and clients are offered those that exist', async () => {
  const one = defineAgent({ ...plain, model: 'openai/gpt-5' });
  const load = async () => ({ agent: defineAgents({ support: one, sales: defineAgent(plain) }) });
  await checkAgent({ MIDTURN_MODEL: 'demo', MIDTURN_AGENTS: 'sales,support' }, named(load));
  await expect(checkAgent({ MIDTURN_MODEL: 'agent' }, named(load))).rejects.toThrow(
    'MIDTURN_MODEL is "agent", and agent/agent.ts, agent "sales", has no model.',
  );
  await expect(checkAgent({ MIDTURN_AGENTS: 'support,staff' }, named(load))).rejects.toThrow(
    'MIDTURN_AGENTS names "staff", and agent/agent.ts has support, sales.',
  );
  await expect(
    checkAgent(
      { MIDTURN_AGENTS: 'support' },
      named(async () => ({ agent: one })),
    ),
  ).rejects.toThrow('MIDTURN_AGENTS is "support", and agent/agent.ts has one agent without a name.');
});

it('the agent of this project is right', async () => {
  expect(await checkAgent({})).toBeUndefined();
});
