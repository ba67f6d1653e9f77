import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cases } from '../../test/support/sample.ts';
import { anyText, around } from '../../test/support/text.ts';
import { toFailure } from './failure.ts';
import { mendChatCompletions, mendMessages, providerFetch, withLifeSigns } from './provider-fetch.ts';

const bytesOf = (text: string, size: number) => {
  const bytes = new TextEncoder().encode(text);
  return Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
    bytes.slice(i * size, (i + 1) * size),
  );
};

/** An answer whose bytes come in pieces of this size. */
async function answered(
  text: string,
  {
    size = 1000,
    mend = (line: string): string | undefined => line,
    type = 'text/event-stream',
    status = 200,
  } = {},
) {
  let alive = 0;
  let cancelled = false;
  const pieces = bytesOf(text, size);
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      const piece = pieces.shift();
      if (piece) controller.enqueue(piece);
      else controller.close();
    },
    cancel() {
      cancelled = true;
    },
  });
  const fetch = async () => new Response(body, { status, headers: { 'content-type': type, 'x-id': '7' } });
  const response = await withLifeSigns(
    () => void alive++,
    () => providerFetch(fetch, mend)('https://provider.invalid'),
  );
  return { response, alive: () => alive, cancelled: () => cancelled };
}

describe('an answer of a provider', () => {
  it('is the same, whatever its bytes say and wherever they are divided, and each packet is a life sign', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(anyText({ maxLength: 8 }), { minLength: 1, maxLength: 5 }),
        fc.boolean(),
        fc.integer({ min: 1, max: 20 }),
        async (lines, ends, size) => {
          const text = lines.join('\n') + (ends ? '\n' : '');
          const { response, alive } = await answered(text, { size });
          expect(await response.text()).toBe(text);
          // The headers are one too.
          expect(alive()).toBe(bytesOf(text, size).length + 1);
        },
      ),
      { numRuns: cases(200) },
    );
  });

  it('that ends within a character says so', async () => {
    const half = '€'.repeat(2);
    const body = new TextEncoder().encode(half).slice(0, -1);
    const response = await providerFetch(
      async () => new Response(body),
      (line) => line,
    )('https://provider.invalid');
    expect(await response.text()).toBe('€\ufffd');
  });

  it('keeps its status and headers, and one that is refused is left as it is', async () => {
    const mend = () => 'mended';
    const { response } = await answered('one', { mend, status: 201 });
    expect([response.status, response.headers.get('x-id'), await response.text()]).toEqual([
      201,
      '7',
      'mended',
    ]);
    const refused = await answered('{"error":"no"}', { mend, status: 400, type: 'application/json' });
    expect([refused.response.status, await refused.response.text()]).toEqual([400, '{"error":"no"}']);
  });

  it('ends where its lines say so: what is before is given, what is behind is not, and the request is cancelled', async () => {
    const mend = (line: string) => (line === 'END' ? undefined : line);
    for (const size of [1, 4, 1000]) {
      const { response, cancelled } = await answered(`one\nEND\ntwo\n${'x'.repeat(5000)}`, { mend, size });
      expect(await response.text()).toBe('one\n');
      expect(cancelled()).toBe(true);
    }
  });

  it('that its reader leaves is cancelled', async () => {
    const { response, cancelled } = await answered('x\n'.repeat(5000), { size: 10 });
    const reader = response.body?.getReader();
    await reader?.read();
    await reader?.cancel();
    expect(cancelled()).toBe(true);
  });
});

describe('JSON in place of a stream', () => {
  const failureOf = async (text: string, type = 'application/json') => {
    const error = await answered(text, { type }).then(
      () => undefined,
      (error: unknown) => error,
    );
    const { reason, retryable, diagnostic } = toFailure(error, []);
    return { error, told: [reason, retryable], diagnostic };
  };

  it.each<[unknown, unknown[]]>([
    [{ error: { message: 'Slow down.', code: 429 } }, ['throttled', true]],
    [{ error: { message: 'Slow down.', status: 429 } }, ['throttled', true]],
    [{ error: { message: 'Slow down.', code: 'odd', status: 429 } }, ['throttled', true]],
    [[{ error: { message: 'No key.', code: 401 } }], ['unauthorised', false]],
    [{ error: 'Rate limit exceeded' }, ['throttled', true]],
    [{ error: { type: 'authentication_error' } }, ['unauthorised', false]],
    [{ error: { message: 'Bad.', code: 400 } }, ['rejected', false]],
    [{ error: { message: 'Broken.', code: 599 } }, ['provider', true]],
    [{ error: null }, ['provider', true]],
    [{ choices: [] }, ['provider', true]],
    [[], ['provider', true]],
    [null, ['provider', true]],
    ['words', ['provider', true]],
  ])('%j is a failure', async (data, told) => {
    for (const type of ['application/json', 'application/json; charset=utf-8'])
      expect((await failureOf(JSON.stringify(data), type)).told).toEqual(told);
  });

  it('that is not JSON is one too, and another type is a stream', async () => {
    expect((await failureOf('<p>busy</p>')).told).toEqual(['provider', true]);
    expect((await failureOf('{"error":{}}', 'application/jsonl')).error).toBeUndefined();
  });

  it('has a status where its code or status is one of an error', async () => {
    for (const [limit, inside] of [
      [400, [undefined, 400, 401]],
      [599, [598, 599, undefined]],
    ] as const)
      expect(
        await Promise.all(
          around(limit).map(async (code) => (await failureOf(JSON.stringify({ error: { code } }))).error),
        ),
      ).toMatchObject(inside.map((statusCode) => ({ statusCode })));
  });
});

const data = (value: unknown) => `data: ${JSON.stringify(value)}`;
const choice = (more: object) => ({ id: 'c', choices: [{ index: 0, ...more }] });
const ghost = { index: 1, id: '', function: { name: '', arguments: '' } };

describe('lines of chat completions', () => {
  it.each<[string, string, unknown]>([
    ['choices that are null', data({ id: 'c', choices: null }), { id: 'c', choices: [] }],
    ['no choices', data({ id: 'c' }), { id: 'c', choices: [] }],
    [
      'an empty finish reason',
      data(choice({ finish_reason: '', delta: { content: 'a' } })),
      choice({ finish_reason: null, delta: { content: 'a' } }),
    ],
    [
      'a call of nothing',
      data(choice({ delta: { content: 'a', tool_calls: [ghost] } })),
      choice({ delta: { content: 'a', tool_calls: [] } }),
    ],
    [
      'a call without a function',
      data(choice({ delta: { tool_calls: [{ index: 1 }, { index: 1, function: null }] } })),
      choice({ delta: { tool_calls: [] } }),
    ],
    ['an end of line', `${data({ id: 'c', choices: null })}\r`, { id: 'c', choices: [] }],
    ['no space', data({ id: 'c', choices: null }).replace(': ', ':'), { id: 'c', choices: [] }],
  ])('are mended of %s', (_what, line, chunk) => {
    const mended = mendChatCompletions(line);
    expect(JSON.parse(mended?.replace('data: ', '') ?? '')).toEqual(chunk);
  });

  it.each([
    ': a comment',
    '',
    'event: message',
    'data: {"half',
    'data: [1]'.replace('[1]', 'null'),
    data({ error: { message: 'no' } }),
    data({ error: { message: 'no' }, choices: null }),
    data(choice({ finish_reason: 'stop', delta: {} })),
    data(choice({ finish_reason: null, delta: { content: '' } })),
    ...[{ id: 'a' }, { function: { name: 'look' } }, { function: { arguments: '{' } }].map((part) =>
      data(
        choice({
          delta: { tool_calls: [{ ...ghost, ...part, function: { ...ghost.function, ...part.function } }] },
        }),
      ),
    ),
    data({ choices: [null, 7] }),
  ])('stay where nothing is to mend: %s', (line) => expect(mendChatCompletions(line)).toBe(line));

  it('keep every call but one of nothing', () => {
    const whole = { index: 0, id: 'a', function: { name: 'look', arguments: '{}' } };
    const line = mendChatCompletions(data(choice({ delta: { tool_calls: [whole, ghost] } })));
    expect(JSON.parse(line?.slice(6) ?? '')).toEqual(choice({ delta: { tool_calls: [whole] } }));
  });

  it.each(['data: [DONE]', 'data:[DONE]', 'data:  [DONE] ', 'data: [DONE]\r'])('end the stream: %j', (line) =>
    expect(mendChatCompletions(line)).toBeUndefined(),
  );
});

describe('lines of messages', () => {
  const start = { type: 'message_start', message: { id: 'm' } };
  it.each<[unknown, unknown]>([
    [
      { type: 'message_delta', delta: {} },
      { type: 'message_delta', delta: {}, usage: { output_tokens: 0 } },
    ],
    [
      { type: 'message_delta', usage: null },
      { type: 'message_delta', usage: { output_tokens: 0 } },
    ],
    [start, { ...start, message: { id: 'm', usage: { input_tokens: 0, output_tokens: 0 } } }],
    [
      { ...start, message: { usage: null } },
      { ...start, message: { usage: { input_tokens: 0, output_tokens: 0 } } },
    ],
  ])('%j has counts', (event, mended) =>
    expect(JSON.parse(mendMessages(data(event))?.slice(6) ?? '')).toEqual(mended),
  );

  it.each([
    data({ type: 'message_delta', usage: { output_tokens: 3 } }),
    data({ ...start, message: { usage: { input_tokens: 1, output_tokens: 1 } } }),
    data({ type: 'message_start', message: null }),
    data({ type: 'content_block_delta', delta: { text: '"message_start"' } }),
    'data: {"type":"message_delta"',
    'event: message_start',
  ])('stay where nothing is to mend: %s', (line) => expect(mendMessages(line)).toBe(line));
});
