import { tool } from 'ai';
import { afterEach, describe, expect, test } from 'vitest';
import * as z from 'zod';
import { CONTINUE_REQUEST } from '../../core/events/prompt.ts';
import type { Model, ModelPart, ModelRequest } from '../../core/model.ts';
import {
  createGate,
  type ModelServer,
  type Script,
  startModelServer,
} from '../../test/support/model-server.ts';
import { defineAgent } from '../agent/define-agent.ts';
import { createModel } from './create-model.ts';

const API_KEY = 'a-key-that-must-not-be-shown';

const agent = defineAgent({
  instructions: 'Be brief.',
  settings: { temperature: 0, maxOutputTokens: 100 },
  tools: {
    wait: {
      tool: tool({
        description: 'Waits.',
        inputSchema: z.object({ seconds: z.number().max(10), unit: z.string().default('s') }),
        execute: () => 'waited',
      }),
    },
  },
});

let server: ModelServer | undefined;

afterEach(async () => {
  await server?.close();
  server = undefined;
});

async function start(script: Script): Promise<{ model: Model; server: ModelServer }> {
  server = await startModelServer(script);
  const model = await createModel({ provider: 'openai-compatible', modelId: 'scripted' }, agent, {
    baseUrl: server.baseUrl,
    apiKey: API_KEY,
  });
  return { model, server };
}

const hello: ModelRequest = { messages: [{ role: 'user', content: 'hello' }], toolChoice: 'auto' };

async function collect(model: Model, request = hello, signal = new AbortController().signal) {
  const parts: ModelPart[] = [];
  for await (const part of model.stream(request, signal)) parts.push(part);
  return parts;
}

function failureIn(parts: ModelPart[]) {
  const last = parts.at(-1);
  if (last?.type !== 'failure') throw new Error(`Expected a failure, got ${JSON.stringify(last)}`);
  return last.failure;
}

describe('a complete answer', () => {
  test('streams thinking and text as they come, then finishes with the usage', async () => {
    const { model } = await start([
      { thinking: ['let me ', 'see'], chunks: ['dr', 'aft'], usage: { input: 12, output: 3 } },
    ]);
    expect(await collect(model)).toEqual([
      { type: 'thinking', text: 'let me ' },
      { type: 'thinking', text: 'see' },
      { type: 'text', text: 'dr' },
      { type: 'text', text: 'aft' },
      {
        type: 'finish',
        reason: 'stop',
        usage: { inputTokens: 12, outputTokens: 3 },
        parts: [{ opaque: { type: 'reasoning', text: 'let me see' } }, { text: 5 }],
      },
    ]);
    expect(model).toMatchObject({ provider: 'openai-compatible', name: 'scripted' });
  });

  test('hands on a chunk before the next one is there', async () => {
    const gate = createGate();
    const { model } = await start([{ chunks: ['one', gate, 'two'] }]);
    const parts = model.stream(hello, new AbortController().signal)[Symbol.asyncIterator]();
    expect((await parts.next()).value).toEqual({ type: 'text', text: 'one' });
    gate.open();
    expect((await parts.next()).value).toEqual({ type: 'text', text: 'two' });
    await parts.return?.();
  });

  test('gives tool calls with the arguments that the model wrote', async () => {
    const { model } = await start([
      { chunks: ['wait'], toolCalls: [{ id: 'c1', name: 'wait', args: { seconds: 2 } }] },
    ]);
    expect(await collect(model)).toEqual([
      { type: 'text', text: 'wait' },
      { type: 'tool_call', id: 'c1', name: 'wait', args: { seconds: 2 } },
      {
        type: 'finish',
        reason: 'tool_calls',
        usage: { inputTokens: 10, outputTokens: 5 },
      },
    ]);
  });

  test('marks calls that cannot be run, and says why', async () => {
    const { model } = await start([
      {
        toolCalls: [
          { name: 'wait', args: { seconds: 99 } },
          { name: 'fly', args: {} },
          { name: 'wait', args: '{"seconds": 1' },
        ],
      },
    ]);
    const calls = (await collect(model)).filter((part) => part.type === 'tool_call');
    expect(calls).toMatchObject([
      { args: { seconds: 99 }, invalid: expect.stringContaining('seconds: ') },
      { name: 'fly', invalid: 'There is no tool named "fly". Available: wait.' },
      { args: '{"seconds": 1', invalid: expect.stringContaining('not valid JSON') },
    ]);
  });
});

describe('what the model is shown', () => {
  test('instructions, settings, tools, and the transcript in order with its pairs', async () => {
    const { model, server } = await start([{ chunks: ['ok'] }]);
    await collect(model, {
      toolChoice: 'auto',
      messages: [
        { role: 'user', content: '  first \n' },
        { role: 'assistant', text: 'draft', calls: [{ id: 'c1', name: 'wait', args: { seconds: 1 } }] },
        { role: 'tool', results: [{ id: 'c1', name: 'wait', output: { waited: 1 }, isError: false }] },
        { role: 'user', content: 'second' },
        { role: 'user', content: 'third' },
      ],
    });
    const body = server.requests[0]?.body;
    expect(body?.messages).toEqual([
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: '  first \n' },
      {
        role: 'assistant',
        content: 'draft',
        tool_calls: [{ id: 'c1', function: { name: 'wait', arguments: '{"seconds":1}' } }],
      },
      { role: 'tool', tool_call_id: 'c1', content: '{"waited":1}' },
      { role: 'user', content: 'second' },
      { role: 'user', content: 'third' },
    ]);
    expect(body).toMatchObject({
      model: 'scripted',
      temperature: 0,
      max_tokens: 100,
      tool_choice: 'auto',
      tools: [{ function: { name: 'wait', description: 'Waits.' } }],
    });
    expect(server.requests[0]?.headers.authorization).toBe(`Bearer ${API_KEY}`);
  });

  test('a request to continue after a text of its own', async () => {
    const { model, server } = await start([{ chunks: ['me'] }]);
    await collect(model, {
      toolChoice: 'auto',
      messages: [
        { role: 'user', content: 'tell' },
        { role: 'assistant', text: 'Once upon a ti', calls: [] },
      ],
    });
    expect(server.requests[0]?.body.messages.slice(-2)).toEqual([
      { role: 'assistant', content: 'Once upon a ti' },
      { role: 'user', content: CONTINUE_REQUEST },
    ]);
  });
});

describe('when it must answer without tools', () => {
  const lastStep: ModelRequest = { ...hello, toolChoice: 'none' };

  test('tools stay declared and are forbidden', async () => {
    const { model, server } = await start([{ chunks: ['ok'] }]);
    await collect(model, lastStep);
    expect(server.requests[0]?.body).toMatchObject({
      tool_choice: 'none',
      tools: [{ function: { name: 'wait' } }],
    });
  });

  test('a call that it makes nevertheless is dropped, and its text stands', async () => {
    const { model } = await start([{ chunks: ['so'], toolCalls: [{ name: 'wait', args: { seconds: 1 } }] }]);
    expect((await collect(model, lastStep)).map(({ type }) => type)).toEqual(['text', 'finish']);
  });
});

describe('failure', () => {
  test.each([
    [401, 'AUTH_ERROR', false],
    [403, 'AUTH_ERROR', false],
    [400, 'PROVIDER_ERROR', false],
    [404, 'PROVIDER_ERROR', false],
    [408, 'PROVIDER_ERROR', true],
    [429, 'PROVIDER_ERROR', true],
    [500, 'PROVIDER_ERROR', true],
    [503, 'PROVIDER_ERROR', true],
  ] as const)('of status %i is %s, retryable: %s', async (status, code, retryable) => {
    const { model, server } = await start([{ status }]);
    const parts = await collect(model);
    expect(parts).toHaveLength(1);
    expect(failureIn(parts)).toMatchObject({
      code,
      retryable,
      message: expect.stringContaining(`HTTP ${status}`),
    });
    // The turn retries, not the SDK: only the turn knows what is already visible.
    expect(server.requests).toHaveLength(1);
  });

  test('shows no secret and no payload to the user, and no secret to the log', async () => {
    const body = { error: { message: `Incorrect API key: ${API_KEY}, or sk-abcdef0123456789` } };
    const { model } = await start([{ status: 401, body }]);
    const failure = failureIn(await collect(model));
    expect(failure.message).toBe('The model provider refused the credentials (HTTP 401).');
    expect(failure.diagnostic).toContain('Incorrect API key: [redacted], or [redacted]');
    expect(failure.diagnostic).not.toContain('hello');
  });

  test('of a connection that breaks in mid-stream comes after what was said, and is retryable', async () => {
    const { model } = await start([{ chunks: ['dr', 'aft', 'never'], cutAfter: 2 }]);
    const parts = await collect(model);
    expect(parts.slice(0, -1)).toEqual([
      { type: 'text', text: 'dr' },
      { type: 'text', text: 'aft' },
    ]);
    expect(failureIn(parts)).toMatchObject({
      code: 'PROVIDER_ERROR',
      retryable: true,
      message: 'The connection to the model broke in the middle of its answer.',
    });
  });

  test('of an answer that ends without a finish reason is a cut, and its calls are not given out', async () => {
    const { model } = await start([
      { chunks: ['a'], toolCalls: [{ name: 'wait', args: { seconds: 1 } }], finish: null },
    ]);
    const parts = await collect(model);
    expect(parts.map(({ type }) => type)).toEqual(['text', 'failure']);
    expect(failureIn(parts).retryable).toBe(true);
  });

  test.each([
    ['nothing at all', {}],
    ['thinking alone', { thinking: ['hm'] }],
  ])('of an empty answer (%s) is retryable', async (_what, reply) => {
    const { model } = await start([reply]);
    expect(failureIn(await collect(model))).toMatchObject({
      message: 'The model gave an empty answer.',
      retryable: true,
    });
  });

  test('of an answer that a content filter withheld is final', async () => {
    const { model } = await start([{ finish: 'content_filter' }]);
    expect(failureIn(await collect(model))).toMatchObject({ code: 'PROVIDER_ERROR', retryable: false });
  });

  test('of a server that is not there is retryable', async () => {
    const { model, server } = await start([]);
    await server.close();
    expect(failureIn(await collect(model))).toMatchObject({
      code: 'PROVIDER_ERROR',
      retryable: true,
      message: 'The model provider could not be reached.',
    });
    await start([]);
  });

  test('of a base URL with credentials in it does not show them', async () => {
    const model = await createModel({ provider: 'openai-compatible', modelId: 'm' }, agent, {
      baseUrl: 'http://someone:hunter2@127.0.0.1:9/v1',
    });
    const failure = failureIn(await collect(model));
    expect(failure.diagnostic).toContain('[redacted]@127.0.0.1');
    expect(JSON.stringify(failure)).not.toContain('hunter2');
  });
});

describe('abort', () => {
  test('in mid-stream ends the parts without finish or failure, and the request', async () => {
    const gate = createGate();
    const { model, server } = await start([{ chunks: ['dr', gate, 'aft'] }]);
    const controller = new AbortController();
    const parts: ModelPart[] = [];
    for await (const part of model.stream(hello, controller.signal)) {
      parts.push(part);
      controller.abort();
    }
    expect(parts).toEqual([{ type: 'text', text: 'dr' }]);
    expect(await server.requests[0]?.ended).toBe('aborted');
  });

  test('while the model has sent nothing yet does the same', async () => {
    const gate = createGate();
    const { model, server } = await start([{ gate, chunks: ['late'] }]);
    const controller = new AbortController();
    const parts = collect(model, hello, controller.signal);
    await gate.reached;
    controller.abort();
    expect(await parts).toEqual([]);
    expect(await server.requests[0]?.ended).toBe('aborted');
  });

  test('before the call asks the model nothing', async () => {
    const { model, server } = await start([{ chunks: ['never'] }]);
    expect(await collect(model, hello, AbortSignal.abort())).toEqual([]);
    expect(server.requests).toHaveLength(0);
  });

  test('a reader that leaves early ends the request', async () => {
    const { model, server } = await start([{ chunks: ['a'], hang: true }]);
    for await (const _part of model.stream(hello, new AbortController().signal)) break;
    expect(await server.requests[0]?.ended).toBe('aborted');
  });
});
