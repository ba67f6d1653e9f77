import { describe, expect, it } from 'vitest';
import { accepted, chunk, end, eventsOf, framesOf } from '../support/frames.ts';
import { createGate, type Reply } from '../support/model-server.ts';
import { givenStack } from '../support/stack.ts';

const stack = givenStack({ settings: { MIDTURN_MODEL_API_KEY: 'sk-very-secret' } });

describe('a model call that fails after visible output', () => {
  it('P3: the second call of a turn: a terminal error names "draft", which is stored once; the next message is answered', async () => {
    const gate = createGate();
    const model = stack.script([{ chunks: ['draft', gate] }, { status: 404 }, { chunks: ['better'] }]);
    const session = stack.newSession();
    const client = await stack.connect(session);
    client.send({ type: 'message', id: 'm1', content: 'first' });
    await chunk(client, 'draft');
    client.send({ type: 'message', id: 'm2', content: 'second' });
    await accepted(client, 'm2');
    gate.open();
    expect(await end(client)).toMatchObject({
      type: 'error',
      code: 'PROVIDER_ERROR',
      terminal: true,
      full_response: 'draft',
    });
    expect(model.requests).toHaveLength(2);
    expect(await stack.stored.lines(session)).toEqual(['user: first', 'assistant: draft', 'user: second']);

    client.send({ type: 'message', id: 'm3', content: 'third' });
    expect(await end(client, 2)).toMatchObject({ type: 'done', full_response: 'better' });
    expect(model.prompt(3)).toEqual(['user: first', 'assistant: draft', 'user: second', 'user: third']);
  });

  it('P3: a connection cut in mid-answer is not tried again: the partial is kept, shown and stored', async () => {
    const model = stack.script([{ chunks: ['half of', ' it'], cutAfter: 2 }, { chunks: ['the rest'] }]);
    const session = stack.newSession();
    const client = await stack.connect(session);
    client.send({ type: 'message', id: 'm1', content: 'first' });
    expect(await end(client)).toMatchObject({
      type: 'error',
      code: 'PROVIDER_ERROR',
      full_response: 'half of it',
      retryable: true,
    });
    expect(model.requests).toHaveLength(1);
    expect(await stack.stored.lines(session)).toEqual(['user: first', 'assistant: half of it']);
    client.send({ type: 'message', id: 'm2', content: 'go on' });
    await end(client, 2);
    expect(model.prompt(2)).toEqual(['user: first', 'assistant: half of it', 'user: go on']);
  });

  it('P1: steering that waited becomes the next turn', async () => {
    const gate = createGate();
    const model = stack.script([{ chunks: ['half', gate, '.'], cutAfter: 2 }, { chunks: ['answer'] }]);
    const session = stack.newSession();
    const client = await stack.connect(session);
    client.send({ type: 'message', id: 'm1', content: 'first' });
    await chunk(client, 'half');
    client.send({ type: 'message', id: 'm2', content: 'second' });
    await accepted(client, 'm2');
    gate.open();
    await end(client, 2);
    expect(eventsOf(client).map(({ type }) => type)).toEqual([
      'turn_start',
      'applied',
      'chunk',
      'chunk',
      'error',
      'turn_start',
      'applied',
      'chunk',
      'done',
    ]);
    expect(model.prompt(2)).toEqual(['user: first', 'assistant: half.', 'user: second']);
    expect(await stack.stored.lines(session)).toEqual([
      'user: first',
      'assistant: half.',
      'user: second',
      'assistant: answer',
    ]);
  });

  it('a stream that ends without a reason is a failure, not an answer', async () => {
    stack.script([{ chunks: ['half'], finish: null, usage: null }]);
    const client = await stack.connect(stack.newSession());
    client.send({ type: 'message', content: 'first' });
    expect(await end(client)).toMatchObject({ type: 'error', code: 'PROVIDER_ERROR', full_response: 'half' });
  });
});

describe('a model call that fails before visible output', () => {
  it('P3: is made again without a trace: one 500, then the answer, in exactly two calls', async () => {
    const model = stack.script([{ status: 500 }, { chunks: ['answer'] }]);
    const session = stack.newSession();
    const client = await stack.connect(session);
    client.send({ type: 'message', id: 'm1', content: 'first' });
    expect(await end(client)).toMatchObject({ type: 'done', full_response: 'answer', steps: 1 });
    expect(model.requests).toHaveLength(2);
    expect(model.prompt(2)).toEqual(model.prompt(1));
    expect(client.frames.map(({ type }) => type).toSorted()).toEqual(
      ['session_start', 'accepted', 'turn_start', 'applied', 'chunk', 'done'].toSorted(),
    );
    expect(await stack.stored.lines(session)).toEqual(['user: first', 'assistant: answer']);
  });

  it('ends the turn in an error when it fails again and again', async () => {
    const model = stack.script(() => ({ status: 503 }));
    const session = stack.newSession();
    const client = await stack.connect(session);
    client.send({ type: 'message', content: 'first' });
    expect(await end(client)).toMatchObject({
      type: 'error',
      code: 'PROVIDER_ERROR',
      full_response: '',
      retryable: true,
    });
    expect(model.requests).toHaveLength(3);
    expect(await stack.stored.lines(session)).toEqual(['user: first']);
  });

  it('AUTH_ERROR: refused credentials are not tried again, and no secret leaves the log', async () => {
    const model = stack.script([
      { status: 401, body: { error: { message: 'bad key sk-very-secret of account 4711' } } },
    ]);
    const client = await stack.connect(stack.newSession());
    client.send({ type: 'message', content: 'first' });
    expect(await end(client)).toMatchObject({
      type: 'error',
      code: 'AUTH_ERROR',
      reason: 'unauthorised',
      full_response: '',
      retryable: false,
    });
    expect(model.requests).toHaveLength(1);
    expect(model.requests[0]?.headers.authorization).toBe('Bearer sk-very-secret');
    expect(JSON.stringify(client.frames)).not.toContain('sk-very-secret');
    const stored = await stack.stored.everything();
    expect(stored).not.toContain('sk-very-secret');
    // Nor what the provider said beside: it is for the log alone.
    expect(stored).not.toContain('4711');
  });
});

describe('what a model call failed of', () => {
  it.each([
    ['unauthorised', { status: 403 }, { code: 'AUTH_ERROR', retryable: false }],
    ['throttled', { status: 429 }, { code: 'PROVIDER_ERROR', retryable: true }],
    ['provider', { status: 503 }, { code: 'PROVIDER_ERROR', retryable: true }],
    [
      'overlong',
      { status: 400, body: { error: { message: 'too long', code: 'context_length_exceeded' } } },
      { code: 'PROVIDER_ERROR', retryable: false },
    ],
    ['withheld', { finish: 'content_filter' }, { code: 'PROVIDER_ERROR', retryable: false }],
    ['rejected', { status: 422 }, { code: 'PROVIDER_ERROR', retryable: false }],
    ['empty', { chunks: [] }, { code: 'PROVIDER_ERROR', retryable: true }],
  ] satisfies [string, Reply, object][])('is told: %s', async (reason, reply, failure) => {
    stack.script(() => reply);
    const client = await stack.connect(stack.newSession());
    client.send({ type: 'message', content: 'first' });
    expect(await end(client)).toMatchObject({ type: 'error', reason, ...failure });
  });
});

describe('a tool call that fails', () => {
  it('P13: has its result, marked as an error, and the model goes on', async () => {
    const model = stack.script([
      { toolCalls: [{ name: 'wait', args: { seconds: 'many' }, id: 'call_a' }] },
      { chunks: ['sorry'] },
    ]);
    const client = await stack.connect(stack.newSession());
    client.send({ type: 'message', content: 'wait' });
    expect(await end(client)).toMatchObject({ type: 'done', full_response: 'sorry' });
    expect(framesOf(client, 'tool_result')).toMatchObject([{ id: 'call_a', is_error: true }]);
    expect(model.prompt(2)).toEqual(['user: wait', 'assistant: [call call_a]', 'tool: [result call_a]']);
  });
});
