import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { buildVariant } from '../conformance/variant-bundles.ts';
import { end, framesOf } from '../support/frames.ts';
import { type Stack, startStack } from '../support/stack.ts';
import { killWorker } from '../support/workers.ts';
import { type ProviderServer, type SeenCall, startProviderServer } from './provider-server.ts';
import { anthropic } from './wires/anthropic.ts';
import { openai } from './wires/openai.ts';

const FALLBACK = 'gpt-of-the-fallback';

/** An agent whose `prepareStep` names a model of another provider for some steps: both think, and both refuse what is not theirs. */
const agentAt = (first: ProviderServer, second: ProviderServer) => `
import { createAnthropic } from '@ai-sdk/anthropic';
import { createOpenAI } from '@ai-sdk/openai';
import { defineAgent } from 'midturn/agent';
import { currentTime } from './tools/current-time.ts';
import { wait } from './tools/wait.ts';

const first = createAnthropic({ baseURL: '${first.origin}/v1', apiKey: '${anthropic.secrets[0]?.value}' })('${anthropic.model}');
const others = createOpenAI({ baseURL: '${second.origin}/v1', apiKey: '${openai.secrets[0]?.value}' });
const second = others('${openai.model}');

export const agent = defineAgent({
  instructions: 'Be brief.',
  tools: {
    current_time: { tool: currentTime, idempotent: true },
    wait: { tool: wait, idempotent: true, abortable: true },
  },
  model: first,
  fallbackModel: others('${FALLBACK}'),
  prepareStep: ({ steps, messages }) => {
    const text = JSON.stringify(messages.filter(({ role }) => role === 'user').at(-1)?.content);
    if (text.includes('unwell')) throw new Error('no');
    if (text.includes('short') && steps.length === 1) return { model: second, messages: messages.slice(-3) };
    return steps.length === 1 ? { model: second } : {};
  },
});
`;

const clock = { name: 'current_time', args: {} };
const wait = { name: 'wait', args: { seconds: 2 } };

const kinds = (call: SeenCall | undefined) =>
  call?.prompt.flatMap(({ blocks }) => blocks.map((block) => Object.keys(block)[0]));

describe('a `prepareStep` that names a model of another provider', () => {
  const folder = join(import.meta.dirname, '../../dist/agent-of-two-models');
  let first: ProviderServer;
  let second: ProviderServer;
  let stack: Stack;
  let sessions = 0;
  beforeAll(async () => {
    [first, second] = await Promise.all([startProviderServer(anthropic), startProviderServer(openai)]);
    stack = await startStack({
      bundles: () => buildVariant({ files: { 'agent/agent.ts': agentAt(first, second) } }, folder),
      settings: { MIDTURN_MODEL: 'agent', MIDTURN_VISIBILITY_SECONDS: '2' },
    });
  });
  afterEach(async () => {
    expect([first.takeComplaints(), second.takeComplaints()]).toEqual([[], []]);
    await stack.settleClients();
  });
  afterAll(async () => {
    await stack.close();
    await Promise.all([first.close(), second.close()]);
    await rm(folder, { recursive: true, force: true, maxRetries: 10 });
  });

  async function ask(content: string) {
    const client = await stack.connect(`s${++sessions}`);
    // A client that sees a take-over's repeats.
    client.send({ type: 'connect' });
    client.send({ type: 'message', content });
    return client;
  }

  it('P11: no model is given the thoughts of the other one, each has its own again', async () => {
    const firsts = first.script([
      { text: [{ thinks: 'I need the time.' }], calls: [clock], usage: { input: 100, output: 10 } },
      { text: [{ thinks: 'Now I know.' }, 'Nine.'], usage: { input: 200, output: 20 } },
    ]);
    const seconds = second.script([
      { text: [{ thinks: 'So do I.' }], calls: [clock], usage: { input: 50, output: 5 } },
    ]);
    const client = await ask('What time is it?');
    expect(await end(client)).toMatchObject({
      type: 'done',
      full_response: 'Nine.',
      model: anthropic.model,
      steps: 3,
      input_tokens: 350,
      by_model: [
        { model: openai.model, steps: 1, input_tokens: 50 },
        { model: anthropic.model, steps: 2, input_tokens: 300 },
      ],
    });
    const step = ['call', 'result'];
    expect(kinds(seconds[0])).toEqual(['text', ...step]);
    expect(kinds(firsts[1])).toEqual(['text', 'thought', ...step, ...step]);
    // Marks of a cache that only one of them has.
    expect(JSON.stringify(firsts[1]?.body)).toContain('cache_control');
    expect(JSON.stringify(seconds[0]?.body)).not.toContain('cache_control');
    expect(framesOf(client, 'history_trimmed')).toEqual([]);
  });

  it('P8: a worker that takes over between call and result asks each model with its own thoughts', async () => {
    const firsts = first.script([
      { text: [{ thinks: 'I need the time.' }], calls: [clock] },
      { text: ['Nine.'] },
      { text: [{ thinks: 'Once more.' }], calls: [clock] },
    ]);
    const seconds = second.script([
      { text: [{ thinks: 'I must wait.' }], calls: [wait] },
      { text: ['Ten.'] },
    ]);
    const client = await ask('What time is it?');
    await client.waitFor((frame) => frame.type === 'tool_call' && frame.name === 'wait');
    await killWorker(stack.cloud);
    expect(await end(client)).toMatchObject({ type: 'done', full_response: 'Nine.' });
    const step = ['call', 'result'];
    expect(kinds(firsts[1])).toEqual(['text', 'thought', ...step, ...step]);
    client.send({ type: 'message', content: 'And now?' });
    expect(await end(client, 2)).toMatchObject({ type: 'done', full_response: 'Ten.', model: openai.model });
    expect(kinds(firsts[2])).toEqual(['text', 'thought', ...step, ...step, 'text', 'text']);
    expect(kinds(seconds[1])).toEqual(['text', ...step, 'thought', ...step, 'text', 'text', ...step]);
  });

  it('P11: messages that it chooses for the other model are those of that model’s prompt', async () => {
    first.script([{ text: [{ thinks: 'I need the time.' }], calls: [clock] }, { text: ['Nine.'] }]);
    const seconds = second.script([{ text: [{ thinks: 'So do I.' }], calls: [clock] }]);
    const client = await ask('Say it in short.');
    expect(await end(client)).toMatchObject({ type: 'done', full_response: 'Nine.' });
    expect(kinds(seconds[0])).toEqual(['text', 'call', 'result']);
  });

  it('a model that it names and that fails is followed by the fallback model, for the rest of the turn', async () => {
    const firsts = first.script([{ text: [{ thinks: 'I need the time.' }], calls: [clock] }]);
    const seconds = second.script([
      { refusal: 'unknown_model' },
      { text: [{ thinks: 'So do I.' }], calls: [clock] },
      { text: ['Nine.'] },
    ]);
    const client = await ask('What time is it?');
    const fallback = { provider: 'openai.responses', model: FALLBACK };
    const from = `openai.responses:${openai.model}`;
    expect(await end(client)).toMatchObject({ type: 'done', ...fallback, fallback_from: from, steps: 3 });
    expect(framesOf(client, 'model_changed')).toMatchObject([{ ...fallback, fallback_from: from }]);
    expect(firsts).toHaveLength(1);
    expect(seconds.map(({ body }) => (body as { model: string }).model)).toEqual([
      openai.model,
      FALLBACK,
      FALLBACK,
    ]);
    expect(kinds(seconds[2])).toEqual(['text', 'call', 'result', 'thought', 'call', 'result']);
  });

  it('ends the turn with an error where it throws, and calls no model', async () => {
    const calls = first.script([]);
    const client = await ask('I feel unwell.');
    expect(await end(client)).toMatchObject({
      type: 'error',
      code: 'AGENT_ERROR',
      message: 'The agent could not prepare this step.',
    });
    expect(calls).toEqual([]);
  });
});
