import { tool } from 'ai';
import { expect, test } from 'vitest';
import * as z from 'zod';
import type { ModelPart, ModelRequest } from '../../core/model.ts';
import { defineAgent } from '../agent/define-agent.ts';
import { createModel } from './create-model.ts';

const agent = defineAgent({
  instructions: 'Be brief.',
  settings: { maxOutputTokens: 100 },
  tools: {
    wait: { tool: tool({ inputSchema: z.object({ seconds: z.number() }), execute: () => 'waited' }) },
  },
});

/** Anthropic's stream, as its Messages API documents it. */
function events(...list: readonly ({ type: string } & Record<string, unknown>)[]): string {
  return list.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`).join('');
}

const messageStart = {
  type: 'message_start',
  message: {
    id: 'msg_1',
    type: 'message',
    role: 'assistant',
    model: 'claude',
    content: [],
    stop_reason: null,
    stop_sequence: null,
    usage: { input_tokens: 20, output_tokens: 1 },
  },
};

/**
 * A wire of the test's own in place of the network: answers every request with that stream, and keeps the last body.
 */
function wire(answer: string, status = 200) {
  const seen: { body?: unknown } = {};
  const fetch = async (_url: unknown, init?: RequestInit) => {
    seen.body = JSON.parse(String(init?.body));
    return new Response(answer, { status, headers: { 'content-type': 'text/event-stream' } });
  };
  return { seen, fetch };
}

async function collect(request: ModelRequest, fetch: typeof globalThis.fetch) {
  const model = await createModel({ provider: 'anthropic', modelId: 'claude' }, agent, {
    apiKey: 'k',
    fetch,
  });
  const parts: ModelPart[] = [];
  for await (const part of model.stream(request, new AbortController().signal)) parts.push(part);
  return parts;
}

const hello: ModelRequest = { messages: [{ role: 'user', content: 'hello' }], toolChoice: 'auto' };

test('streams text, a tool call and the usage of the Anthropic wire', async () => {
  const { fetch } = wire(
    events(
      messageStart,
      { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
      { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'I will ' } },
      { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'wait.' } },
      { type: 'content_block_stop', index: 0 },
      {
        type: 'content_block_start',
        index: 1,
        content_block: { type: 'tool_use', id: 'toolu_1', name: 'wait', input: {} },
      },
      {
        type: 'content_block_delta',
        index: 1,
        delta: { type: 'input_json_delta', partial_json: '{"seconds":2}' },
      },
      { type: 'content_block_stop', index: 1 },
      {
        type: 'message_delta',
        delta: { stop_reason: 'tool_use', stop_sequence: null },
        usage: { output_tokens: 9 },
      },
      { type: 'message_stop' },
    ),
  );
  expect(await collect(hello, fetch)).toEqual([
    { type: 'text', text: 'I will ' },
    { type: 'text', text: 'wait.' },
    { type: 'tool_call', id: 'toolu_1', name: 'wait', args: { seconds: 2 } },
    {
      type: 'finish',
      reason: 'tool_calls',
      usage: { inputTokens: 20, outputTokens: 9 },
    },
  ]);
});

test('user messages that follow one another alternate with the assistant, yet stay apart', async () => {
  const { seen, fetch } = wire('');
  await collect(
    {
      toolChoice: 'none',
      messages: [
        { role: 'user', content: 'first' },
        { role: 'assistant', text: '', calls: [{ id: 'toolu_1', name: 'wait', args: { seconds: 1 } }] },
        { role: 'tool', results: [{ id: 'toolu_1', name: 'wait', output: 'broken', isError: true }] },
        { role: 'user', content: 'second' },
        { role: 'user', content: 'third' },
      ],
    },
    fetch,
  );
  expect(seen.body).toMatchObject({
    tool_choice: { type: 'none' },
    tools: [{ name: 'wait' }],
    messages: [
      { role: 'user', content: [{ type: 'text', text: 'first' }] },
      { role: 'assistant', content: [{ type: 'tool_use', id: 'toolu_1', input: { seconds: 1 } }] },
      {
        role: 'user',
        content: [
          { type: 'tool_result', tool_use_id: 'toolu_1', content: 'broken', is_error: true },
          { type: 'text', text: 'second' },
          { type: 'text', text: 'third' },
        ],
      },
    ],
  });
});

test('an answer that stops in the middle is a retryable failure after its text', async () => {
  const { fetch } = wire(
    events(
      messageStart,
      { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
      { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'dr' } },
    ),
  );
  expect(await collect(hello, fetch)).toMatchObject([
    { type: 'text', text: 'dr' },
    { type: 'failure', failure: { code: 'PROVIDER_ERROR', retryable: true } },
  ]);
});

test('an error that the provider reports in mid-stream is retryable when it is overloaded', async () => {
  const { fetch } = wire(
    events(
      messageStart,
      { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
      { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'dr' } },
      { type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } },
    ),
  );
  expect(await collect(hello, fetch)).toMatchObject([
    { type: 'text', text: 'dr' },
    { type: 'failure', failure: { code: 'PROVIDER_ERROR', retryable: true } },
  ]);
});

test('calls of another provider are shown under ids of the form that Anthropic takes', async () => {
  const { seen, fetch } = wire('');
  await collect(
    {
      toolChoice: 'auto',
      messages: [
        { role: 'user', content: 'first' },
        { role: 'assistant', text: '', calls: [{ id: 'functions.wait:0', name: 'wait', args: {} }] },
        { role: 'tool', results: [{ id: 'functions.wait:0', name: 'wait', output: 'ok', isError: false }] },
      ],
    },
    fetch,
  );
  expect(JSON.stringify(seen.body)).not.toContain('functions.wait:0');
});
