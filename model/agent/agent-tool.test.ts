import { anthropic } from '@ai-sdk/anthropic';
import { tool } from 'ai';
import { MockLanguageModelV4 } from 'ai/test';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { subagentOf } from '../tools/subagent.ts';
import { type AgentToolOptions, agentTool, asSubagent } from './agent-tool.ts';
import { CALLBACKS } from './callbacks.ts';
import { defineAgent } from './define-agent.ts';

const inputSchema = z.object({ city: z.string() });
const description = 'Tells the weather.';
const weather = tool({ description, inputSchema, execute: ({ city }) => city });
const agent = defineAgent({ instructions: 'You tell the weather.', tools: { weather } });

async function promptOf<INPUT>(
  options: Omit<AgentToolOptions<INPUT>, 'agent' | 'description'>,
  args: object,
) {
  const { tool, subagent } = agentTool({ agent, description, ...options });
  if (!subagent) throw new Error('no agent');
  const serve = () => Promise.reject(new Error('not served'));
  return subagentOf({ tool, prompt: subagent.prompt }, serve).promptOf({
    id: 'c',
    name: 'ask',
    args: args as never,
  });
}

describe('an agent as a tool', () => {
  it('is asked for a task, or for what its input says', async () => {
    expect(await promptOf({}, { task: 'Look.' })).toEqual({ prompt: 'Look.' });
    expect(await promptOf({ inputSchema }, { city: 'Bern' })).toEqual({ prompt: '{"city":"Bern"}' });
    const prompt = ({ city }: { city: string }) => `Is it dry in ${city}?`;
    expect(await promptOf({ inputSchema, prompt }, { city: 'Bern' })).toEqual({
      prompt: 'Is it dry in Bern?',
    });
    expect(await promptOf({ inputSchema, prompt }, { city: 7 })).toEqual({
      complaint: expect.stringContaining('city: '),
    });
    expect(await promptOf({ inputSchema, prompt: async ({ city }) => city }, { city: 'Bern' })).toEqual({
      prompt: 'Bern',
    });
    const failing = () => Promise.reject(new Error('It is closed.'));
    expect(await promptOf({ inputSchema, prompt: failing }, { city: 'Bern' })).toEqual({
      complaint: 'It is closed.',
    });
  });

  it('has a policy as any tool, and more time where it names none', () => {
    expect(agentTool({ agent, description })).toMatchObject({ timeoutSeconds: 300 });
    expect(
      agentTool({ agent, description, timeoutSeconds: 20, idempotent: true, abortable: true }),
    ).toMatchObject({
      timeoutSeconds: 20,
      idempotent: true,
      abortable: true,
    });
    const wrong = () =>
      defineAgent({ tools: { ask: agentTool({ agent, description, timeoutSeconds: 1000 }) } });
    expect(wrong).toThrow(expect.objectContaining({ code: 'TOOL_INVALID' }));
  });

  it('is told to the model by its description and its schema, and is one of `defineAgent`', () => {
    const { tool: told } = agentTool({ agent, description, inputSchema });
    expect([told.description, told.inputSchema]).toEqual([description, inputSchema]);
    for (const wrong of [undefined, {}, { tools: 'all' }] as never[])
      expect(() => agentTool({ agent: wrong, description })).toThrow('agent is none of defineAgent.');
  });

  it.each([
    [
      'a tool that needs approval',
      () => defineAgent({ tools: { weather: { tool: weather, needsApproval: true } } }),
    ],
    ['approvals', () => defineAgent({ tools: { weather }, toolApproval: { weather: 'user-approval' } })],
    [
      'a tool whose calls may need approval',
      () => defineAgent({ tools: { weather: { tool: weather, needsApproval: () => false } } }),
    ],
    [
      'a tool that a client runs',
      () => defineAgent({ tools: { weather: tool({ inputSchema, outputSchema: z.string() }) } }),
    ],
    [
      'an MCP server that needs approval',
      () => defineAgent({ mcp: { docs: { url: 'https://docs.example/mcp', needsApproval: true } } }),
    ],
    ['options of messages', () => defineAgent({ callOptionsSchema: z.object({ precise: z.boolean() }) })],
  ])('cannot have %s: nobody could answer', (_what, define) => {
    expect(() => agentTool({ agent: define(), description })).toThrow(
      expect.objectContaining({ name: 'AgentDefinitionError', code: 'TOOL_INVALID' }),
    );
  });

  it('cannot be an agent of another currency, since one cost is told of a turn', () => {
    const priced = (currency: string) => ({ prices: { currency, perMillionTokens: {} } });
    const asked = agentTool({ agent: defineAgent(priced('EUR')), description });
    expect(() => defineAgent({ ...priced('USD'), tools: { asked } })).toThrow(
      expect.objectContaining({ code: 'PRICES_INVALID' }),
    );
    expect(() => defineAgent({ ...priced('EUR'), tools: { asked } })).not.toThrow();
  });

  it('has the model and the prices of the agent that asks, where it has none, and nothing that is of turns', () => {
    const model = new MockLanguageModelV4({ modelId: 'large' });
    const prices = { currency: 'USD', perMillionTokens: {} };
    const asking = defineAgent({ model, prices, fallbackModel: model });
    expect(asSubagent(agent, asking)).toMatchObject({ ...agent, model, fallbackModel: model, prices });
    const own = defineAgent({
      model: anthropic('claude-haiku-4-5'),
      ...Object.fromEntries(CALLBACKS.map((name) => [name, () => {}])),
      prices: { currency: 'USD', perMillionTokens: { m: { input: 1, output: 1 } } },
      titles: {},
      compaction: {},
      budget: () => ({}),
    });
    const asked = asSubagent(own, asking);
    expect([asked.model, asked.prices]).toEqual([own.model, own.prices]);
    for (const option of ['fallbackModel', ...CALLBACKS, 'titles', 'compaction', 'budget'])
      expect(asked).not.toHaveProperty(option);
    for (const option of ['model', 'fallbackModel', 'prices'])
      expect(asSubagent(agent, agent)).not.toHaveProperty(option);
    expect(asSubagent(agent, defineAgent({ model }))).not.toHaveProperty('fallbackModel');
  });
});
