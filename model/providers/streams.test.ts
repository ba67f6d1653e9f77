import { setTimeout as later } from 'node:timers/promises';
import { tool } from 'ai';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import type { ModelPart } from '../../core/model.ts';
import { defineAgent } from '../agent/define-agent.ts';
import { createModel, type ModelConfig } from './create-model.ts';

/**
 * How streams of real servers end, and what they hold that their documentation does not mention. The SDK's real clients read
 * them. Sources stand with each case.
 */

const agent = defineAgent({
  instructions: 'Be brief.',
  tools: {
    look: { tool: tool({ inputSchema: z.object({ at: z.string() }), execute: ({ at }) => at }) },
  },
});

interface Served {
  frames: readonly (string | Uint8Array | Promise<unknown>)[];
  /** The connection stays open after the last frame. */
  stays?: true;
  status?: number;
  headers?: Record<string, string>;
}

async function partsOf(
  provider: 'openai-compatible' | 'anthropic',
  { frames, stays, status = 200, headers = {} }: Served,
  config: ModelConfig = {},
  modelId = provider === 'anthropic' ? 'claude-sonnet-4-5' : 'm',
) {
  let heard = 0;
  let cancelled = false;
  const bodies: Record<string, unknown>[] = [];
  const warned: string[] = [];
  const fetch = async (_url: unknown, init?: RequestInit) => {
    bodies.push(JSON.parse(String(init?.body)));
    let next = 0;
    const body = new ReadableStream<Uint8Array>({
      async pull(controller) {
        for (;;) {
          const frame = frames[next++];
          if (frame === undefined) {
            if (stays) return new Promise<void>(() => {});
            return controller.close();
          }
          if (frame instanceof Promise) {
            await frame;
            continue;
          }
          return controller.enqueue(typeof frame === 'string' ? new TextEncoder().encode(frame) : frame);
        }
      },
      cancel() {
        cancelled = true;
      },
    });
    return new Response(body, { status, headers: { 'content-type': 'text/event-stream', ...headers } });
  };
  const model = await createModel({ provider, modelId }, agent, {
    baseUrl: 'https://provider.midturn.invalid/v1',
    apiKey: 'key',
    fetch: fetch as typeof globalThis.fetch,
    warn: (message) => void warned.push(message),
    ...config,
  });
  const parts: ModelPart[] = [];
  const request = { messages: [{ role: 'user' as const, content: 'go' }], toolChoice: 'auto' as const };
  for await (const part of model.stream(request, new AbortController().signal, () => heard++))
    parts.push(part);
  return { parts, heard, bodies, warned, cancelled: () => cancelled };
}

const briefOf = (part: ModelPart): string => {
  switch (part.type) {
    case 'text':
    case 'thinking':
      return `${part.type} ${part.text}`;
    case 'tool_call':
      return `call ${part.name} ${JSON.stringify(part.args)}${part.invalid ? ', invalid' : ''}`;
    case 'provider_call':
      return `provider runs ${part.name} ${JSON.stringify(part.args)}`;
    case 'provider_result':
      return `provider gives ${JSON.stringify(part.output)}`;
    case 'source':
      return `source ${part.source.title}`;
    case 'file':
      return `file ${part.mediaType}`;
    case 'finish':
      return `finish ${part.reason}`;
    case 'failure':
      return `failure ${part.failure.reason}${part.failure.retryable ? ', retryable' : ''}`;
  }
};
const brief = (parts: readonly ModelPart[]) => parts.map(briefOf);

const data = (value: object) => `data: ${JSON.stringify(value)}\n\n`;
const delta = (content: object, finish_reason: string | null = null) =>
  data({
    id: 'c',
    object: 'chat.completion.chunk',
    created: 1,
    model: 'm',
    choices: [{ index: 0, delta: content, finish_reason }],
  });
const DONE = 'data: [DONE]\n\n';

describe('openai-compatible', () => {
  it.each<[string, Served, string[]]>([
    [
      '[DONE] is the end, though the connection stays open',
      { frames: [delta({ content: 'Hi' }), delta({}, 'stop'), DONE], stays: true },
      ['text Hi', 'finish stop'],
    ],
    [
      'what comes after [DONE] is nothing',
      {
        frames: [
          delta({ content: 'Hi' }),
          delta({}, 'stop'),
          DONE,
          'data: {"junk": \n\n',
          data({ error: { message: 'late' } }),
        ],
      },
      ['text Hi', 'finish stop'],
    ],
    ['an answer of 200 with nothing in it is empty', { frames: [] }, ['failure empty, retryable']],
    ['and so is one of [DONE] alone', { frames: [DONE] }, ['failure empty, retryable']],
    [
      'a chunk whose choices are null holds only usage',
      { frames: [data({ id: 'c', choices: null }), delta({ content: 'Hi' }), delta({}, 'stop'), DONE] },
      ['text Hi', 'finish stop'],
    ],
    [
      'an empty finish reason is none: what ends after it is cut off',
      { frames: [delta({ content: 'Hi' }, ''), delta({ content: ' you' }, '')] },
      ['text Hi', 'text  you', 'failure cut_off, retryable'],
    ],
    [
      'an empty finish reason before the real one does not count',
      { frames: [delta({ content: 'Hi' }, ''), delta({}, 'stop'), DONE] },
      ['text Hi', 'finish stop'],
    ],
    [
      'a call without name, id and arguments is none',
      {
        frames: [
          delta({
            tool_calls: [
              { index: 0, id: 'a', type: 'function', function: { name: 'look', arguments: '{"at":"sea"}' } },
            ],
          }),
          delta({
            tool_calls: [{ index: 1, id: '', type: 'function', function: { name: '', arguments: '' } }],
          }),
          delta({ tool_calls: [{ index: 2, id: '' }] }),
          delta({}, 'tool_calls'),
          DONE,
        ],
      },
      ['call look {"at":"sea"}', 'finish tool_calls'],
    ],
    [
      'comments, carriage returns, and characters that are split between packets are read',
      {
        frames: [
          ': keep-alive\r\n\r\n',
          ...[...new TextEncoder().encode(delta({ content: 'Ü😀' }).replaceAll('\n', '\r\n'))].map((byte) =>
            Uint8Array.of(byte),
          ),
          delta({}, 'stop'),
          DONE,
        ],
      },
      ['text Ü😀', 'finish stop'],
    ],
    [
      'length',
      { frames: [delta({ content: 'Hi' }), delta({}, 'length'), DONE] },
      ['text Hi', 'finish length'],
    ],
    [
      'a filter in mid-answer',
      { frames: [delta({ content: 'Hi' }), delta({}, 'content_filter'), DONE] },
      ['text Hi', 'finish content_filter'],
    ],
    [
      "a provider's own reason",
      { frames: [delta({ content: 'Hi' }), delta({}, 'repetition_truncation'), DONE] },
      ['text Hi', 'finish repetition_truncation'],
    ],
    [
      'a limit of tokens that is reached before the first word is not tried again',
      { frames: [delta({}, 'length'), DONE] },
      ['failure empty'],
    ],
    [
      'P13: the last call of an answer that reached the limit of tokens cannot be run',
      {
        frames: [
          delta({
            tool_calls: [
              { index: 0, id: 'a', type: 'function', function: { name: 'look', arguments: '{"at":"sea"}' } },
              { index: 1, id: 'b', type: 'function', function: { name: 'look', arguments: '{"at":"s"}' } },
            ],
          }),
          delta({}, 'length'),
          DONE,
        ],
      },
      ['call look {"at":"sea"}', 'call look {"at":"s"}, invalid', 'finish length'],
    ],
    [
      'P13: no call of an answer that a filter ended is one',
      {
        frames: [
          delta({
            tool_calls: [
              { index: 0, id: 'a', type: 'function', function: { name: 'look', arguments: '{"at":"sea"}' } },
            ],
          }),
          delta({}, 'content_filter'),
          DONE,
        ],
      },
      ['failure withheld'],
    ],
    [
      'an error in JSON in place of a stream of 200',
      {
        frames: [JSON.stringify({ error: { message: 'Slow down.', type: 'rate_limit_error', code: 429 } })],
        headers: { 'content-type': 'application/json; charset=utf-8' },
      },
      ['failure throttled, retryable'],
    ],
    [
      'JSON that is no error in place of a stream of 200',
      { frames: ['{"choices":[]}'], headers: { 'content-type': 'application/json' } },
      ['failure provider, retryable'],
    ],
    [
      'an error object in a stream of 200',
      { frames: [data({ error: { message: 'Overloaded', type: 'server_error', code: 503 } }), DONE] },
      ['failure provider, retryable'],
    ],
    ...[
      // OpenRouter, "Errors during streaming": https://openrouter.ai/docs/api-reference/streaming
      { message: 'Rate limit exceeded', code: 'rate_limit_exceeded' },
      { message: 'Slow down.', code: 429 },
      { message: 'Slow down.', code: '429' },
      { message: 'Slow down.', type: 'rate_limit_error' },
      { message: 'Too Many Requests', type: 'too_many_requests' },
      { message: 'Too many tokens, please wait.', type: 'throttlingException' },
      { message: 'Resource exhausted.', type: 'RESOURCE_EXHAUSTED' },
      { message: 'Rate limit reached for requests' },
    ].map((error): [string, Served, string[]] => [
      `a throttle in mid-answer that says ${JSON.stringify(error)}`,
      { frames: [delta({ content: 'Hi' }), data({ error }), DONE] },
      ['text Hi', 'failure throttled, retryable'],
    ]),
  ])('%s', async (_what, served, expected) => {
    const { parts } = await partsOf('openai-compatible', served);
    expect(brief(parts)).toEqual(expected);
  });

  it('closes a connection that stays open after [DONE]', async () => {
    const { cancelled } = await partsOf('openai-compatible', {
      frames: [delta({ content: 'Hi' }), delta({}, 'stop'), DONE],
      stays: true,
    });
    await expect.poll(cancelled).toBe(true);
  });

  it('each byte is a life sign: comments, and the arguments of a call', async () => {
    const { heard, parts } = await partsOf('openai-compatible', {
      frames: [
        ': a\n\n',
        later(1),
        ': b\n\n',
        later(1),
        delta({
          tool_calls: [
            { index: 0, id: 'a', type: 'function', function: { name: 'look', arguments: '{"at":' } },
          ],
        }),
        later(1),
        delta({ tool_calls: [{ index: 0, function: { arguments: '"sea"}' } }] }),
        later(1),
        delta({}, 'tool_calls'),
        DONE,
      ],
    });
    expect(brief(parts)).toEqual(['call look {"at":"sea"}', 'finish tool_calls']);
    expect(heard).toBeGreaterThanOrEqual(6);
  });

  it('MIDTURN_MODEL_STREAM_USAGE=off: stream_options is left out', async () => {
    const served = { frames: [delta({ content: 'Hi' }), delta({}, 'stop'), DONE] };
    const [asked, silent] = await Promise.all([
      partsOf('openai-compatible', served),
      partsOf('openai-compatible', served, { streamUsage: false }),
    ]);
    expect(asked.bodies[0]).toHaveProperty('stream_options');
    expect(silent.bodies[0]).not.toHaveProperty('stream_options');
  });

  it.each<[string, Record<string, string>, number | undefined]>([
    ['seconds', { 'retry-after': '7' }, 7000],
    ['a date', { 'retry-after': new Date(Date.now() + 60_000).toUTCString() }, 60_000],
    ['milliseconds as AWS writes them', { 'x-amz-retry-after': '1500' }, 1500],
    ['milliseconds, which come first', { 'retry-after-ms': '1500', 'retry-after': '2' }, 1500],
    ['a date that is over', { 'retry-after': new Date(0).toUTCString() }, 0],
    ['nonsense', { 'retry-after': 'soon' }, undefined],
    ['none', {}, undefined],
  ])('retry-after: %s', async (_what, headers, expected) => {
    const { parts } = await partsOf('openai-compatible', { frames: ['{}'], status: 429, headers });
    const [part] = parts;
    const after = part?.type === 'failure' ? part.failure.retryAfterMs : Number.NaN;
    if (expected === undefined) expect(after).toBeUndefined();
    // A date has whole seconds.
    else expect(Math.abs((after ?? Number.NaN) - expected)).toBeLessThanOrEqual(expected > 7000 ? 30_000 : 0);
  });
});

const event = (type: string, fields: object = {}) =>
  `event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`;
const start = event('message_start', {
  message: {
    id: 'm',
    type: 'message',
    role: 'assistant',
    model: 'c',
    content: [],
    stop_reason: null,
    stop_sequence: null,
    usage: { input_tokens: 1, output_tokens: 1 },
  },
});
const says = (index: number, text: string) =>
  event('content_block_start', { index, content_block: { type: 'text', text: '' } }) +
  event('content_block_delta', { index, delta: { type: 'text_delta', text } }) +
  event('content_block_stop', { index });
const stop = (stop_reason: string) =>
  event('message_delta', { delta: { stop_reason, stop_sequence: null }, usage: { output_tokens: 1 } }) +
  event('message_stop');

describe('anthropic', () => {
  it.each<[string, Served, string[]]>([
    // "Event types and blocks may be added": https://docs.anthropic.com/en/docs/build-with-claude/streaming
    [
      'a block of an unknown type is left out',
      {
        frames: [
          start,
          says(0, 'Hi'),
          event('content_block_start', { index: 1, content_block: { type: 'hologram', data: 'x' } }),
          event('content_block_delta', { index: 1, delta: { type: 'hologram_delta', data: 'y' } }),
          event('content_block_stop', { index: 1 }),
          says(2, ' you'),
          stop('end_turn'),
        ],
      },
      ['text Hi', 'text  you', 'finish stop'],
    ],
    [
      'an event of an unknown type is left out',
      { frames: [start, event('weather'), says(0, 'Hi'), stop('end_turn')] },
      ['text Hi', 'finish stop'],
    ],
    ['max_tokens', { frames: [start, says(0, 'Hi'), stop('max_tokens')] }, ['text Hi', 'finish length']],
    [
      'refusal in mid-answer',
      { frames: [start, says(0, 'Hi'), stop('refusal')] },
      ['text Hi', 'finish refusal'],
    ],
    ['refusal of everything', { frames: [start, stop('refusal')] }, ['failure withheld']],
    ['pause_turn', { frames: [start, says(0, 'Hi'), stop('pause_turn')] }, ['text Hi', 'finish paused']],
    [
      'the end of the window',
      { frames: [start, says(0, 'Hi'), stop('model_context_window_exceeded')] },
      ['text Hi', 'finish length'],
    ],
    [
      'the end of the window before any text is a prompt that is too long',
      { frames: [start, stop('model_context_window_exceeded')] },
      ['failure overlong'],
    ],
    [
      'no counts of tokens, as of a compatible server',
      {
        frames: [
          start.replace(/,"usage":\{[^}]*\}/, ''),
          says(0, 'Hi'),
          stop('end_turn').replace(/,"usage":\{[^}]*\}/, ''),
        ],
      },
      ['text Hi', 'finish stop'],
    ],
    ['pause_turn before any text', { frames: [start, stop('pause_turn')] }, ['finish paused']],
    [
      'a stream that ends after its last block',
      { frames: [start, says(0, 'Hi')] },
      ['text Hi', 'failure cut_off, retryable'],
    ],
    ['an answer of 200 with nothing in it', { frames: [] }, ['failure empty, retryable']],
  ])('%s', async (_what, served, expected) => {
    const { parts } = await partsOf('anthropic', served);
    expect(brief(parts)).toEqual(expected);
  });

  it('an unknown model is limited to 4,096 tokens with a warning, and to as many as the setting says without', async () => {
    const served = { frames: [start, says(0, 'Hi'), stop('end_turn')] };
    const silent = await partsOf('anthropic', served, {}, 'house-model');
    expect(silent.bodies[0]).toMatchObject({ max_tokens: 4096 });
    expect(silent.warned).toEqual([expect.stringContaining('MIDTURN_MODEL_MAX_OUTPUT_TOKENS')]);
    const set = await partsOf('anthropic', served, { maxOutputTokens: 20_000 }, 'house-model');
    expect(set.bodies[0]).toMatchObject({ max_tokens: 20_000 });
    expect(set.warned).toEqual([]);
  });
});
