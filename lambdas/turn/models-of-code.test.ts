import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import type { LanguageModel } from 'ai';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { epochMs } from '../../config/units.ts';
import type { Core } from '../../core/core.ts';
import type { Model, ModelPart } from '../../core/model.ts';
import { memoryCore } from '../../core/testing/memory-core.ts';
import type { ModelContext } from '../../model/agent/agent-model.ts';
import { defineAgent } from '../../model/agent/define-agent.ts';
import { givenAws } from '../../test/support/aws-stand-in.ts';
import { type ModelServer, type Reply, startModelServer } from '../../test/support/model-server.ts';
import { composeAgent } from './agent-for.ts';

const aws = givenAws();
let server: ModelServer;
/** What the provider answers, whatever it is asked. */
let reply: Reply = { chunks: ['Hi'] };
beforeAll(async () => {
  server = await startModelServer(() => reply);
});
afterAll(() => server.close());
const logged: { message: string; fields: object | undefined }[] = [];
const counted: string[] = [];
afterEach(() => {
  reply = { chunks: ['Hi'] };
  logged.length = 0;
  counted.length = 0;
  aws.reset();
  aws.secrets.clear();
});

const note = (message: string, fields?: object) => void logged.push({ message, fields });
const log: Core['log'] = { info() {}, warn: note, error: note, with: () => log };
type Definition = Parameters<typeof defineAgent>[0];
const compose = (definition: Partial<Definition>, env: Record<string, string> = {}) =>
  composeAgent(
    defineAgent({ instructions: 'Be brief.', tools: {}, ...definition } as Definition),
    { MIDTURN_MODEL: 'agent', MIDTURN_AGENT_SECRETS: 'team/key', ...env },
    memoryCore({
      log,
      metrics: { count() {}, countBy: (name, part) => void counted.push(`${name} ${part}`), time() {} },
      clock: { now: () => epochMs(Date.now()), sleep: () => new Promise<void>(() => {}) },
    }),
  );

/** A model of the provider, by this key. */
const house =
  (modelId: string, key: (context: ModelContext) => string | Promise<string> = () => 'no-key') =>
  async (context: ModelContext): Promise<LanguageModel> =>
    createOpenAICompatible({ name: 'house', baseURL: server.baseUrl, apiKey: await key(context) })(modelId);

async function ask(model: Model): Promise<ModelPart[]> {
  const parts: ModelPart[] = [];
  const request = { messages: [{ role: 'user' as const, content: 'go' }], toolChoice: 'auto' as const };
  for await (const part of model.stream(request, new AbortController().signal, () => {})) parts.push(part);
  return parts;
}
const asked = () => server.requests.at(-1);

describe('a secret of the agent’s code', () => {
  it('is read by its name, and goes to the provider', async () => {
    aws.secrets.set('team/key', 'hunter2-hunter2');
    const { model } = await compose({ model: house('m', ({ secret }) => secret('team/key')) }).serve();
    expect((await ask(model)).at(-1)).toMatchObject({ type: 'finish' });
    expect(asked()?.headers.authorization).toBe('Bearer hunter2-hunter2');
  });

  it.each([
    [
      'that the setting does not name',
      'team/other',
      /MIDTURN_AGENT_SECRETS does not name the secret team\/other/,
    ],
    ['that cannot be read', 'team/key', /team\/key cannot be read/],
  ])('%s fails the call, and not the start', async (_, name, why) => {
    aws.secrets.set('team/other', 'hunter2-hunter2');
    const calls = server.requests.length;
    const { model } = await compose({ model: house('m', ({ secret }) => secret(name)) }).serve();
    const parts = await ask(model);
    expect(parts).toMatchObject([{ type: 'failure', failure: { code: 'AUTH_ERROR' } }]);
    expect(JSON.stringify([parts, logged])).toMatch(why);
    expect(server.requests).toHaveLength(calls);
  });

  it('is not taken for a secret where it is short: a word that is said often would be struck out', async () => {
    const keys = { HOUSE_API_KEY: 'seven77', HOUSE_KEY_NAME: 'left-as-it-is' };
    const { model } = await compose({ model: house('m') }, keys).serve();
    const said = Object.values(keys).join(' and ');
    reply = { status: 401, body: { error: { message: `You sent ${said}.` } } };
    expect(JSON.stringify(await ask(model))).toContain(said);
  });

  it('and keys of the environment are in no diagnostic, however the provider quotes them', async () => {
    aws.secrets.set('team/key', 'of-the-secret');
    const keys = {
      HOUSE_API_KEY: '8-letter',
      HOUSE_TOKEN: 'of-the-token',
      HOUSE_SECRET: 'of-the-other-secret',
    };
    const { model } = await compose({ model: house('m', ({ secret }) => secret('team/key')) }, keys).serve();
    const said = ['of-the-secret', ...Object.values(keys)];
    reply = { status: 401, body: { error: { message: `You sent ${said.join(' and ')}, which is wrong.` } } };
    const told = JSON.stringify(await ask(model));
    expect(told).toContain('which is wrong');
    for (const one of said) expect(told).not.toContain(one);
  });
});

describe('a fallback model of the agent’s code', () => {
  it('is there where no setting names one, and is asked by its own name', async () => {
    const { model, fallback } = await compose({
      model: house('first'),
      fallbackModel: house('second'),
    }).serve();
    if (!fallback) throw new Error('no fallback');
    await ask(fallback);
    expect(asked()?.body.model).toBe('second');
    await ask(model);
    expect(asked()?.body.model).toBe('first');
  });

  it('is not there where the settings name the model, and no fallback', async () => {
    const env = { MIDTURN_MODEL: 'openai-compatible:m', MIDTURN_MODEL_BASE_URL: server.baseUrl };
    expect(
      await compose({ model: house('first'), fallbackModel: house('second') }, env).serve(),
    ).not.toHaveProperty('fallback');
  });
});

describe.each([
  ['summaries', 'compaction', 'compactor', 4000],
  ['titles', 'titles', 'titler', 1000],
] as const)('the model that writes %s', (_, option, which, mostTokens) => {
  const writing = async (definition: Partial<Definition>, env: Record<string, string> = {}) => {
    const writer = (await compose(definition, env).serve())[which];
    if (!writer) throw new Error('nobody writes');
    return writer;
  };
  const settings = () => ({
    MIDTURN_MODEL: 'openai-compatible:of-the-settings',
    MIDTURN_MODEL_BASE_URL: server.baseUrl,
  });

  it.each([
    ['the one that the code names for it, wherever the settings point', { model: house('cheap') }, 'cheap'],
    ['that of the settings, where the code names none', {}, 'of-the-settings'],
  ])('is %s', async (_, options, name) => {
    const writer = await writing({ model: house('main'), [option]: options }, settings());
    await ask(await writer());
    expect(asked()?.body).toMatchObject({ model: name, max_tokens: mostTokens });
  });

  it('is nobody’s where the code wants none', async () => {
    const other = option === 'titles' ? 'compaction' : 'titles';
    expect(await compose({ model: house('main'), [other]: {} }).serve()).not.toHaveProperty(which);
  });

  it('is made once, and not before it is wanted', async () => {
    let made = 0;
    const model = (context: ModelContext) => {
      made++;
      return house('cheap')(context);
    };
    const writer = await writing({ [option]: { model } }, settings());
    expect(made).toBe(0);
    for (let n = 0; n < 3; n++) await ask(await writer());
    expect(made).toBe(1);
  });

  it('is none of the turn’s calls: the agent’s callbacks are not told of it', async () => {
    const told: string[] = [];
    const onLanguageModelCallStart = () => void told.push('started');
    const writer = await writing({
      model: house('main'),
      [option]: { model: house('cheap') },
      onLanguageModelCallStart,
    } as Partial<Definition>);
    expect((await ask(await writer())).at(-1)).toMatchObject({ type: 'finish' });
    await new Promise((resolve) => setImmediate(resolve));
    expect(told).toEqual([]);
  });
});

describe('what a model costs, and how its prompts are ordered', () => {
  const prices = {
    currency: 'EUR',
    perMillionTokens: { m: { input: 1, output: 2 }, 'openai-compatible:m': { input: 3, output: 4 } },
  };
  const both = { MIDTURN_MODEL: 'openai-compatible:m', MIDTURN_FALLBACK_MODEL: 'openai-compatible:other' };

  it('is found by its provider and name where the settings name it', async () => {
    const { model, fallback } = await compose(
      { prices },
      { ...both, MIDTURN_MODEL_BASE_URL: server.baseUrl, MIDTURN_MODEL_ROLES: 'alternating' },
    ).serve();
    expect(model.price).toEqual({ currency: 'EUR', input: 3, output: 4 });
    expect(fallback).not.toHaveProperty('price');
    expect([model.alternates, fallback?.alternates]).toEqual([true, undefined]);
  });

  it('is found by its name where the code names it', async () => {
    const { model } = await compose(
      { prices, model: house('m') },
      { MIDTURN_MODEL_ROLES: 'alternating' },
    ).serve();
    expect(model).toMatchObject({ price: { currency: 'EUR', input: 1, output: 2 }, alternates: true });
  });
});

it.each([
  ['that does not answer', undefined],
  ['whose token is not set', 'bearer'],
])('an MCP server %s is counted by its name, and the agent goes on without its tools', async (_, token) => {
  const mcp = { docs: { url: 'http://127.0.0.1:9/mcp', ...(token && { token: 'bearer' as const }) } };
  const agent = compose({ model: house('m'), mcp });
  await agent.offerTools();
  expect(counted).toEqual(['McpFailures docs']);
  if (token) expect(JSON.stringify(logged)).toContain('MIDTURN_MCP_TOKENS');
  expect((await ask((await agent.serve()).model)).at(-1)).toMatchObject({ type: 'finish' });
});
