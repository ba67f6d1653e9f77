import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { epochMs } from '../../config/units.ts';
import type { Core } from '../../core/core.ts';
import type { CallSetup, Model, ModelPart } from '../../core/model.ts';
import { memoryCore } from '../../core/testing/memory-core.ts';
import { agentTool } from '../../model/agent/agent-tool.ts';
import { defineAgent } from '../../model/agent/define-agent.ts';
import { givenAws } from '../../test/support/aws-stand-in.ts';
import { createAgents } from './agents.ts';

const aws = givenAws();

/** A provider that says one word, and what it was asked. */
const asked: { path: string; key: string | undefined; body: Record<string, unknown> }[] = [];
const provider = createServer(async (request, response) => {
  const { authorization: key } = request.headers;
  asked.push({ path: request.url ?? '', key, body: JSON.parse(await text(request)) });
  const chunk = (delta: object, finish_reason: string | null) =>
    `data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', created: 1, model: 'm', choices: [{ index: 0, delta, finish_reason }] })}\n\n`;
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  response.end(`${chunk({ content: 'Hi' }, null)}${chunk({}, 'stop')}data: [DONE]\n\n`);
});
let url = '';
beforeAll(async () => {
  await new Promise<void>((resolve) => provider.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(provider.address() as AddressInfo).port}/v1`;
});
afterAll(
  () =>
    new Promise<void>((resolve) => {
      provider.close(() => resolve());
      provider.closeAllConnections();
    }),
);
afterEach(() => {
  aws.reset();
  aws.secrets.clear();
  asked.length = 0;
  errors.length = 0;
  now = 0;
});

const errors: string[] = [];
const log: Core['log'] = {
  info() {},
  warn() {},
  error: (message) => void errors.push(message),
  with: () => log,
};
let now = 0;
const clock = { now: () => epochMs(now), sleep: () => new Promise<void>(() => {}) };
const agentFor = (env: Record<string, string>) =>
  createAgents(env, memoryCore({ log, clock })).agentFor({} as never);
const compatible = (more: Record<string, string> = {}) => ({
  MIDTURN_MODEL: 'openai-compatible:house',
  MIDTURN_MODEL_BASE_URL: url,
  ...more,
});

async function ask(model: Model, setup?: CallSetup): Promise<ModelPart[]> {
  const parts: ModelPart[] = [];
  const messages = [{ role: 'user' as const, content: 'go' }];
  const request = { messages, toolChoice: 'auto' as const, ...(setup && { setup }) };
  for await (const part of model.stream(request, new AbortController().signal, () => {})) parts.push(part);
  return parts;
}

describe('the agent of a session', () => {
  it('has the model that the settings name, the tools of its code, and no more', async () => {
    const { model, toolbox, ...others } = await agentFor({ MIDTURN_MODEL: 'demo' });
    expect(model).toMatchObject({ provider: 'demo', name: 'demo' });
    expect(toolbox.isIdempotent('current_time')).toBe(true);
    expect(others).toEqual({});
  });

  it('has agents that its tools ask: of the deployment’s model, and with instructions of their own for who asks', async () => {
    const searcher = defineAgent({
      instructions: ({ caller }) => `You look for ${caller.principal.subject}.`,
    });
    const agent = defineAgent({ tools: { ask: agentTool({ agent: searcher, description: 'Looks.' }) } });
    const { subagents } = await createAgents(compatible(), memoryCore({ log, clock }), agent).agentFor({});
    const served = await subagents?.get('ask')?.serve();
    const caller = {
      principal: { tenant: 'acme', subject: 'ann' },
      session: { id: 's' },
      turnId: 't',
      claims: {},
    };
    const prepared = await served?.preparation?.prepare?.(caller);
    if (!served || prepared === undefined) throw new Error('there is no agent');
    await ask(served.model, { caller, prepared });
    expect(JSON.stringify(asked.at(-1)?.body.messages)).toContain('You look for ann.');
  });

  it('of which a deployment had several before is not taken for the only one that it has now', async () => {
    const agents = createAgents({ MIDTURN_MODEL: 'demo' }, memoryCore({ log, clock }));
    expect(await agents.agentFor({ agent: 'staff' })).toMatchObject({ choice: 'gone' });
    expect(await agents.agentFor({})).not.toHaveProperty('choice');
  });

  it('has a second model, with its own address and key, where the settings name one', async () => {
    const { model, fallback } = await agentFor({
      ...compatible({ MIDTURN_MODEL_API_KEY: 'first-key' }),
      MIDTURN_FALLBACK_MODEL: 'openai-compatible:second',
      MIDTURN_FALLBACK_MODEL_BASE_URL: `${url}/second`,
      MIDTURN_FALLBACK_MODEL_API_KEY: 'second-key',
    });
    if (!fallback) throw new Error('no fallback');
    expect(model).toMatchObject({ provider: 'openai-compatible', name: 'house' });
    expect(fallback).toMatchObject({ provider: 'openai-compatible', name: 'second' });
    await ask(model);
    await ask(fallback);
    expect(asked.map(({ path, key, body }) => [path, key, body.model])).toEqual([
      ['/v1/chat/completions', 'Bearer first-key', 'house'],
      ['/v1/second/chat/completions', 'Bearer second-key', 'second'],
    ]);
  });

  it.each([
    'MIDTURN_PRINCIPAL_DAY_TURNS',
    'MIDTURN_PRINCIPAL_DAY_TOKENS',
    'MIDTURN_TENANT_DAY_TURNS',
    'MIDTURN_TENANT_DAY_TOKENS',
  ])('has budgets where the settings set one: %s', async (name) => {
    expect(await agentFor(compatible())).not.toHaveProperty('budgeting');
    expect((await agentFor(compatible({ [name]: '9' }))).budgeting?.holders).toHaveLength(1);
  });

  it('has no answers of its model kept for others, since it has tools', async () => {
    expect((await agentFor(compatible())).model.fingerprint).toBeUndefined();
  });

  it.each([
    ['', 'stream_options', true],
    ['off', 'stream_options', false],
  ])('asks as the settings say: MIDTURN_MODEL_STREAM_USAGE=%s', async (streamUsage, field, is) => {
    const { model } = await agentFor(
      compatible({ MIDTURN_MODEL_STREAM_USAGE: streamUsage, MIDTURN_MODEL_MAX_OUTPUT_TOKENS: '77' }),
    );
    expect((await ask(model)).at(-1)).toMatchObject({ type: 'finish' });
    expect(Object.hasOwn(asked[0]?.body ?? {}, field)).toBe(is);
    expect(asked[0]?.body.max_tokens).toBe(77);
  });
});

describe('the key of the model', () => {
  it('is the secret that is named, without the white space around it', async () => {
    aws.secrets.set('key', ' of-the-secret\n');
    const { model } = await agentFor(compatible({ MIDTURN_MODEL_API_KEY_SECRET: 'key' }));
    expect((await ask(model)).at(-1)).toMatchObject({ type: 'finish' });
    expect(asked.map(({ key }) => key)).toEqual(['Bearer of-the-secret']);
  });

  it('that cannot be read is a failed call, which is tried again: the next one reads it', async () => {
    const { model } = await agentFor(compatible({ MIDTURN_MODEL_API_KEY_SECRET: 'key' }));
    expect(await ask(model)).toMatchObject([
      { type: 'failure', failure: { code: 'AUTH_ERROR', reason: 'unauthorised', retryable: true } },
    ]);
    expect(asked).toEqual([]);
    aws.secrets.set('key', 'of-the-secret');
    expect((await ask(model)).at(-1)).toMatchObject({ type: 'finish' });
  });

  it('is read again at the age that the settings name; while that fails, the last one stays in use, and the log says so', async () => {
    aws.secrets.set('key', 'first');
    const { model } = await agentFor(
      compatible({ MIDTURN_MODEL_API_KEY_SECRET: 'key', MIDTURN_SECRET_SECONDS: '60' }),
    );
    const keyAt = async (ms: number) => {
      now = ms;
      expect((await ask(model)).at(-1)).toMatchObject({ type: 'finish' });
      return asked.at(-1)?.key;
    };
    expect(await keyAt(0)).toBe('Bearer first');
    aws.secrets.set('key', 'second');
    expect(await keyAt(59_999)).toBe('Bearer first');
    expect(await keyAt(60_000)).toBe('Bearer second');
    aws.secrets.delete('key');
    expect(errors).toEqual([]);
    expect(await keyAt(120_000)).toBe('Bearer second');
    expect(errors).toEqual(['a secret cannot be read again: the last value stays in use']);
  });

  it('that no header can have is a failed call, and quoted nowhere', async () => {
    aws.secrets.set('key', 'two words');
    const { model } = await agentFor(compatible({ MIDTURN_MODEL_API_KEY_SECRET: 'key' }));
    const parts = await ask(model);
    expect(parts).toMatchObject([{ type: 'failure', failure: { code: 'AUTH_ERROR' } }]);
    expect(JSON.stringify(parts)).not.toContain('two words');
  });
});
