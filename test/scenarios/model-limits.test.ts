import { describe, expect, it } from 'vitest';
import { end, framesOf } from '../support/frames.ts';
import { givenStack } from '../support/stack.ts';

/** About 800 bytes of earlier turns; seconds enough for a model that answers at once. */
const stack = givenStack({
  settings: { MIDTURN_CONTEXT_TOKENS: '200', MIDTURN_MODEL_STALL_SECONDS: '2' },
});

const filler = 'and more of it '.repeat(20);

describe('MIDTURN_CONTEXT_TOKENS', () => {
  it('P11 P13: earlier turns fit whole or are left out whole, and the client is told once in a turn', async () => {
    const model = stack.script([
      { toolCalls: [{ name: 'current_time', args: {}, id: 'call_a' }] },
      { chunks: [filler] },
      { chunks: ['short'] },
      { toolCalls: [{ name: 'current_time', args: {}, id: 'call_b' }] },
      { chunks: ['late'] },
    ]);
    const session = stack.newSession();
    const client = await stack.connect(session);
    client.send({ type: 'message', id: 'm1', content: filler });
    await end(client);
    client.send({ type: 'message', id: 'm2', content: 'second' });
    await end(client, 2);
    client.send({ type: 'message', id: 'm3', content: 'third' });
    await end(client, 3);
    // The first turn is too long to be seen by any later one: not even its end, or the result of its call.
    expect(model.prompt(3)).toEqual(['user: second']);
    expect(model.prompt(4)).toEqual(['user: second', 'assistant: short', 'user: third']);
    expect(model.prompt(5)).toEqual([
      'user: second',
      'assistant: short',
      'user: third',
      'assistant: [call call_b]',
      'tool: [result call_b]',
    ]);
    expect(framesOf(client, 'history_trimmed')).toMatchObject([
      { dropped_messages: 5, kept_turns: 0, reason: 'context_tokens' },
      { dropped_messages: 5, kept_turns: 1, reason: 'context_tokens' },
    ]);
    // Nothing is taken out of the transcript.
    expect(await stack.stored.lines(session)).toHaveLength(10);
  });

  it('does not cut the turn that runs, however long it is', async () => {
    const model = stack.script([{ chunks: ['read'] }]);
    const client = await stack.connect(stack.newSession());
    client.send({ type: 'message', id: 'm1', content: filler.repeat(8) });
    expect(await end(client)).toMatchObject({ type: 'done' });
    expect(model.prompt(1)).toEqual([`user: ${filler.repeat(8)}`]);
    expect(framesOf(client, 'history_trimmed')).toEqual([]);
  });
});

describe('MIDTURN_MODEL_STALL_SECONDS', () => {
  it('P3: a model that falls silent in mid-answer is cut: what it said is kept, and the turn says why it ended', async () => {
    const model = stack.script([{ chunks: ['half'], hang: true }]);
    const session = stack.newSession();
    const client = await stack.connect(session);
    client.send({ type: 'message', id: 'm1', content: 'first' });
    expect(await end(client)).toMatchObject({
      type: 'error',
      code: 'PROVIDER_ERROR',
      reason: 'stalled',
      retryable: true,
      full_response: 'half',
    });
    expect(await model.requests[0]?.ended).toBe('aborted');
    expect(await stack.stored.lines(session)).toEqual(['user: first', 'assistant: half']);
  });

  it('one that says nothing at all is asked again', async () => {
    const model = stack.script([{ hang: true }, { chunks: ['answer'] }]);
    const client = await stack.connect(stack.newSession());
    client.send({ type: 'message', id: 'm1', content: 'first' });
    expect(await end(client)).toMatchObject({ type: 'done', full_response: 'answer' });
    expect(model.requests).toHaveLength(2);
  });
});
