import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { inspectFunctions } from '../../local/build.ts';
import { sizeOf } from '../../local/bundle-sizes.ts';
import { buildVariant, variantIn } from '../conformance/variant-bundles.ts';
import { end, framesOf } from '../support/frames.ts';
import { type Stack, startStack } from '../support/stack.ts';
import { type ProviderServer, startProviderServer } from './provider-server.ts';
import { google } from './wires/google.ts';
import { openai } from './wires/openai.ts';

/**
 * An agent that names its models in its code, as the AI SDK does: functions that read a key from a secret, over packages of two
 * providers. The settings pass the address.
 */

const AGENT = `
import { createGoogle } from '@ai-sdk/google';
import { createOpenAI } from '@ai-sdk/openai';
import { tool } from 'ai';
import { defineAgent } from 'midturn/agent';
import { z } from 'zod';

const look = tool({ inputSchema: z.object({}), execute: () => 'nothing there' });

export const agent = defineAgent({
  instructions: 'Be brief.',
  tools: { look: { tool: look } },
  prices: {
    currency: 'EUR',
    perMillionTokens: {
      '${openai.model}': { input: 2, cacheRead: 0.2, output: 10 },
      'google.generative-ai:${google.model}': { input: 1, output: 5 },
    },
  },
  model: async ({ name, secret, fetch }) =>
    createOpenAI({ baseURL: name, apiKey: await secret('team/openai'), fetch })('${openai.model}'),
  fallbackModel: async ({ name, secret }) =>
    createGoogle({ baseURL: name, apiKey: await secret('google') })('${google.model}'),
});
`;

const folder = join(import.meta.dirname, '../../dist/agent-model');
const keyOf = ({ secrets }: typeof openai): string => secrets[0]?.value ?? '';

let bundles: string;
let first: ProviderServer;
let second: ProviderServer;
beforeAll(async () => {
  [bundles, first, second] = await Promise.all([
    buildVariant({ files: { 'agent/agent.ts': AGENT } }, folder),
    startProviderServer(openai),
    startProviderServer(google),
  ]);
});
afterAll(async () => {
  await Promise.all([first.close(), second.close()]);
  await rm(folder, { recursive: true, force: true, maxRetries: 10 });
});

/** Starts a stack with this agent for the tests of a `describe`. */
function given(settings: Record<string, string>) {
  const secrets: Record<string, string> = {
    'team/openai': keyOf(openai),
    'team/google-of-this-stage': keyOf(google),
  };
  let stack: Stack;
  beforeAll(async () => {
    stack = await startStack({
      bundles: async () => bundles,
      secrets,
      settings: {
        MIDTURN_MODEL: `agent:${first.origin}/v1`,
        MIDTURN_FALLBACK_MODEL: `agent:${second.origin}/v1beta`,
        ...settings,
      },
    });
  });
  afterAll(() => stack.close());
  let sessions = 0;
  const ask = async () => {
    const client = await stack.connect(`s${++sessions}`);
    client.send({ type: 'message', content: 'hi' });
    const last = await end(client);
    await client.close();
    return { last, client };
  };
  return { secrets, ask, log: () => stack.takeLog().join('\n') };
}

describe('models that the agent’s code names', () => {
  const { secrets, ask, log } = given({
    MIDTURN_AGENT_SECRETS: 'team/openai, google=team/google-of-this-stage',
    MIDTURN_SECRET_SECONDS: '1',
  });

  it('answer with the keys that they read from secrets, and under the names that their packages give', async () => {
    const calls = first.script([{ text: ['Hello.'], usage: { input: 7, output: 3 } }]);
    const { last } = await ask();
    expect(last).toMatchObject({
      type: 'done',
      full_response: 'Hello.',
      provider: 'openai.responses',
      model: openai.model,
      input_tokens: 7,
      output_tokens: 3,
    });
    expect(calls[0]?.body).toMatchObject({ store: false });
    expect(first.takeComplaints()).toEqual([]);
  });

  it('continue with the fallback model, of another package', async () => {
    first.script([{ refusal: 'unknown_model' }]);
    second.script([{ text: ['Here I am.'] }]);
    const { last, client } = await ask();
    expect(last).toMatchObject({
      type: 'done',
      full_response: 'Here I am.',
      provider: 'google.generative-ai',
    });
    expect(framesOf(client, 'model_changed')).toMatchObject([
      {
        provider: 'google.generative-ai',
        model: google.model,
        fallback_from: `openai.responses:${openai.model}`,
      },
    ]);
    expect(second.takeComplaints()).toEqual([]);
  });

  it('say in `done` and in the log what each call used and cost, also of the model that failed', async () => {
    first.script([
      { calls: [{ name: 'look', args: {} }], usage: { input: 1000, cached: 400, output: 100, thought: 60 } },
      { refusal: 'unknown_model' },
    ]);
    second.script([{ text: ['Nothing.'], usage: { input: 2000, output: 50, thought: 20 } }]);
    const { last } = await ask();
    expect(last).toMatchObject({
      type: 'done',
      steps: 2,
      input_tokens: 3000,
      cache_read_tokens: 400,
      output_tokens: 150,
      reasoning_tokens: 80,
      last_input_tokens: 2000,
      cost: 0.00453,
      currency: 'EUR',
      by_model: [
        { provider: 'openai.responses', steps: 1, input_tokens: 1000, cache_read_tokens: 400, cost: 0.00228 },
        {
          provider: 'google.generative-ai',
          steps: 1,
          input_tokens: 2000,
          reasoning_tokens: 20,
          cost: 0.00225,
        },
      ],
    });
    const calls = log()
      .split('\n')
      .flatMap((line) => (line.includes('"model call"') ? [JSON.parse(line.slice(line.indexOf('{')))] : []));
    expect(calls.slice(-2)).toMatchObject([
      {
        model: `openai.responses:${openai.model}`,
        inputTokens: 1000,
        cacheReadTokens: 400,
        outputTokens: 100,
        reasoningTokens: 60,
        cost: 0.00228,
        currency: 'EUR',
      },
      { model: `google.generative-ai:${google.model}`, reasoningTokens: 20, cost: 0.00225 },
    ]);
  });

  it('are made again when a secret has changed, and their keys are in no log', async () => {
    const typeOfNext = async () => {
      first.script([{ text: ['Hello.'] }]);
      second.script([{ refusal: 'unauthorised', detail: `You sent ${keyOf(google)}.` }]);
      return (await ask()).last.type;
    };
    secrets['team/openai'] = 'a-key-that-nobody-knows';
    await expect.poll(typeOfNext).toBe('error');
    secrets['team/openai'] = keyOf(openai);
    await expect.poll(typeOfNext).toBe('done');
    first.takeComplaints();
    const logged = log();
    expect(logged).toContain('API key not valid');
    expect(logged).not.toContain('a-key-that-nobody-knows');
    expect(logged).not.toContain(keyOf(google));
  });
});

describe('a secret that the settings do not name', () => {
  const { ask, log } = given({ MIDTURN_AGENT_SECRETS: 'google=team/google-of-this-stage' });

  it('is not read: the fallback model answers, and the log says which setting lacks it', async () => {
    second.script([{ text: ['Here I am.'] }]);
    expect((await ask()).last).toMatchObject({ type: 'done', provider: 'google.generative-ai' });
    expect(log()).toContain('MIDTURN_AGENT_SECRETS does not name the secret team/openai.');
  });
});

it('of the model providers, a turn loads the packages that the agent’s code imports, and no other', async () => {
  const { parts } = sizeOf(await inspectFunctions(variantIn(folder)), 'turn', 'agent');
  const packages = parts.map(({ name }) => name).filter((name) => name.startsWith('@ai-sdk/'));
  expect(packages.toSorted()).toEqual([
    '@ai-sdk/gateway',
    '@ai-sdk/google',
    '@ai-sdk/openai',
    '@ai-sdk/provider',
    '@ai-sdk/provider-utils',
  ]);
});
