import { Output } from 'ai';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { AgentDefinition } from '../agent/agent-definition.ts';
import { defineAgent } from '../agent/define-agent.ts';
import { createAgentModel } from './agent-model.ts';
import { createModel } from './create-model.ts';
import { fingerprintOf } from './fingerprint.ts';
import { preparedCall } from './prepared-step.ts';

const user = (content: string) => ({ role: 'user' as const, content });
const said = (content: string) => ({ role: 'assistant' as const, content });
const messages = [user('1'), said('2'), user('3'), said('4'), user('5'), user('6')];
const agent = {
  instructions: 'Be brief.',
  temperature: 1,
  providerOptions: { house: { a: 1, b: 1 }, other: { c: 1 } },
};

/** What is made of what the agent's code returns, and what the code was asked. */
async function prepared(returned: unknown, more: object = {}, asked = messages) {
  let given: Record<string, unknown> = {};
  const prepareStep = (call: unknown) => {
    given = call as typeof given;
    return returned as never;
  };
  const call = await preparedCall({ ...agent, ...more }, prepareStep, {
    model: 'house/m',
    messages: asked,
    caller: undefined,
  });
  return { ...call, given };
}

describe('a call that the agent’s code prepares', () => {
  it('is asked of what was said before the turn’s answer, and in it', async () => {
    const { given } = await prepared({}, { runtimeContext: { plan: 'pro' }, toolsContext: { look: {} } });
    expect(given).toMatchObject({
      steps: [],
      stepNumber: 0,
      model: 'house/m',
      instructions: 'Be brief.',
      initialInstructions: 'Be brief.',
      messages,
      initialMessages: messages,
      responseMessages: [],
      runtimeContext: { plan: 'pro' },
      toolsContext: { look: {} },
    });
    expect(given).not.toHaveProperty('caller');
    const going = await prepared({}, {}, messages.slice(0, 4));
    expect(going.given).toMatchObject({
      initialMessages: messages.slice(0, 3),
      responseMessages: [messages[3]],
      runtimeContext: {},
    });
  });

  it('has other settings, instructions and options of a provider, and for the rest those of the agent', async () => {
    for (const nothing of [
      undefined,
      {},
      { temperature: undefined, instructions: undefined, model: undefined, runtimeContext: undefined },
    ]) {
      const call = await prepared(nothing);
      expect(call.agent).toEqual(agent);
      expect(call).not.toHaveProperty('messages');
      expect(call).not.toHaveProperty('model');
    }
    expect((await prepared({ system: 'Be kind.' })).agent.instructions).toBe('Be kind.');
    expect((await prepared({ system: 'Be kind.', instructions: 'Be short.' })).agent.instructions).toBe(
      'Be short.',
    );
    const changed = await prepared({
      temperature: 0,
      providerOptions: { house: { b: 2 } },
      model: 'house/other',
    });
    expect(changed).toMatchObject({
      model: 'house/other',
      agent: { temperature: 0, providerOptions: { house: { a: 1, b: 2 }, other: { c: 1 } } },
    });
  });

  it('P1: has the messages that it is to answer, each once, whatever the code chooses', async () => {
    const chosen = async (list: unknown[]) => (await prepared({ messages: list })).messages;
    expect(await chosen([])).toEqual([user('5'), user('6')]);
    expect(await chosen([user('6')])).toEqual([user('6'), user('5')]);
    expect(await chosen(messages)).toEqual(messages);
    expect(await chosen([said('5'), user('0')])).toEqual([said('5'), user('0'), user('5'), user('6')]);
  });

  it.each([
    { runtimeContext: {} },
    { toolsContext: {} },
    { experimental_sandbox: {} },
    { model: '' },
    { model: { provider: 'house' } },
    { model: null },
  ])('cannot be changed by %j', async (returned) => {
    await expect(prepared(returned)).rejects.toThrow(/^prepareStep/);
  });
});

describe('a fingerprint', () => {
  const identity = { provider: 'house', name: 'm', address: 'https://a.test' };
  const of = (options: object = {}, more: object = {}, name?: string) =>
    fingerprintOf(
      { ...identity, ...more },
      defineAgent({ temperature: 0, ...options } as Partial<AgentDefinition>),
      name,
    );
  const look = { inputSchema: z.object({}), execute: () => 'seen' };

  it('P12: is another one for each thing that could give another answer', async () => {
    const all = await Promise.all([
      of(),
      of({ seed: 1 }),
      of({ settings: { topP: 0.5 } }),
      of({ instructions: 'Be brief.' }),
      of({ instructions: 'Be kind.' }),
      of({ instructions: () => 'Be brief.' }),
      of({ output: Output.json() }),
      of({ output: Output.object({ schema: z.object({ n: z.number() }) }) }),
      of({}, { provider: 'other' }),
      of({}, { name: 'n' }),
      of({}, { address: 'https://b.test' }),
      of({}, { address: undefined }),
      of({}, {}, 'support'),
      of({}, {}, 'sales'),
    ]);
    expect(all.filter((one) => one === undefined)).toEqual([]);
    expect(new Set(all.map((one) => JSON.stringify(one))).size).toBe(all.length);
    expect(await of({ settings: { topP: 0.5 } })).toEqual(await of({ topP: 0.5 }));
  });

  it('is none where the same prompt may get another answer', async () => {
    for (const options of [
      { temperature: undefined },
      { temperature: 0.1 },
      { tools: { look } },
      { mcp: { books: { url: 'https://a.test' } } },
      { prepareStep: () => ({}) },
    ])
      expect(await of(options)).toBeUndefined();
    expect(await of({}, { provider: 'demo' })).toBeUndefined();
  });
});

describe('a model', () => {
  it('that the settings ask for and the code does not name, or names wrong, is an error with a code', async () => {
    const context = { secret: async () => '', fetch };
    const made = (which: 'model' | 'fallbackModel', options: object) =>
      createAgentModel(which, defineAgent(options as Partial<AgentDefinition>), context, {});
    await expect(made('model', { fallbackModel: 'house/m' })).rejects.toMatchObject({
      code: 'MODEL_MISSING',
    });
    await expect(made('fallbackModel', { model: 'house/m' })).rejects.toMatchObject({
      code: 'MODEL_MISSING',
    });
    await expect(made('model', { model: async () => ({ provider: 'house' }) })).rejects.toMatchObject({
      code: 'MODEL_UNSUPPORTED',
    });
    expect(await made('model', { model: async () => 'house/m' })).toMatchObject({
      provider: 'gateway',
      name: 'house/m',
    });
    const given: unknown[] = [];
    const fallbackModel = (...asked: unknown[]) => {
      given.push(asked);
      return 'house/n';
    };
    expect(await made('fallbackModel', { model: 'house/m', fallbackModel })).toMatchObject({
      name: 'house/n',
    });
    expect(given).toEqual([[context]]);
  });

  it.each(['a\nb', 'ключ', 'a b\u0000', ''])(
    'with the key %j is not made, and its error does not quote it',
    async (apiKey) => {
      const made = createModel({ provider: 'anthropic', modelId: 'm' }, defineAgent({}), { apiKey });
      await expect(made).rejects.toMatchObject({ name: 'SecretError' });
      if (apiKey) await expect(made).rejects.not.toThrow(apiKey);
    },
  );

  it('of a compatible server needs its address', async () => {
    await expect(
      createModel({ provider: 'openai-compatible', modelId: 'm' }, defineAgent({})),
    ).rejects.toThrow('base URL');
  });

  it('of a compatible server gives it the addresses of images, to fetch for itself', async () => {
    const bodies: string[] = [];
    const fetch = async (_url: unknown, init?: RequestInit) => {
      bodies.push(String(init?.body));
      return new Response('no', { status: 400 });
    };
    const choice = { provider: 'openai-compatible', modelId: 'm' } as const;
    const model = await createModel(choice, defineAgent({}), { baseUrl: 'https://proxy.invalid/v9', fetch });
    const url = 'https://images.invalid/a.png';
    const request = {
      messages: [{ role: 'user' as const, content: [{ type: 'image' as const, url }] }],
      toolChoice: 'auto' as const,
    };
    for await (const _ of model.stream(request, new AbortController().signal));
    expect(bodies).toEqual([expect.stringContaining(url)]);
  });

  it.each([
    ['anthropic', 'x-api-key', 'k-1'],
    ['openai', 'authorization', 'Bearer k-1'],
    ['google', 'x-goog-api-key', 'k-1'],
    ['openai-compatible', 'authorization', 'Bearer k-1'],
  ] as const)(
    'of %s is asked at the address of the settings, with the key, which is in no log',
    async (provider, header, value) => {
      const asked: unknown[] = [];
      const fetch = async (url: unknown, init?: RequestInit) => {
        asked.push([
          String(url).startsWith('https://proxy.invalid/v9/'),
          new Headers(init?.headers).get(header),
        ]);
        return new Response('the key k-1-of-the-test is wrong, k-1', { status: 401 });
      };
      const apiKey = 'k-1';
      const model = await createModel({ provider, modelId: 'm' }, defineAgent({}), {
        apiKey,
        baseUrl: 'https://proxy.invalid/v9',
        fetch,
      });
      const failures: string[] = [];
      for await (const part of model.stream(
        { messages: [user('Hi')], toolChoice: 'auto' },
        new AbortController().signal,
      ))
        if (part.type === 'failure') failures.push(`${part.failure.reason} ${part.failure.diagnostic}`);
      expect(asked).toEqual([[true, value]]);
      expect(failures).toEqual([expect.stringMatching(/^unauthorised .*\[redacted\]/)]);
      expect(failures[0]).not.toContain('k-1');
      expect(model).toMatchObject({ provider, name: 'm' });
    },
  );
});
