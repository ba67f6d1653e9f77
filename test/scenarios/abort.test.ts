import { describe, expect, it } from 'vitest';
import { accepted, appliedIds, cancelled, chunk, end, endsOf, framesOf, refused } from '../support/frames.ts';
import { createGate } from '../support/model-server.ts';
import { givenStack } from '../support/stack.ts';

const stack = givenStack();

/** A turn held in mid-answer after "partial". Further model calls answer "next". */
async function leasedTurn() {
  const gate = createGate();
  const model = stack.script((_, index) => ({ chunks: index === 0 ? ['partial', gate, ' rest'] : ['next'] }));
  const session = stack.newSession();
  const client = await stack.connect(session);
  client.send({ type: 'message', id: 'm1', content: 'first' });
  const { turn_id } = await chunk(client, 'partial');
  return { client, session, model, gate, turn_id };
}

describe('abort in mid-answer', () => {
  it('P3: ends the turn with what was said, which is stored once, and stops the model call', async () => {
    const { client, session, model } = await leasedTurn();
    client.send({ type: 'abort' });
    expect(await end(client)).toMatchObject({ type: 'aborted', full_response: 'partial', by: 'anonymous' });
    expect(await model.requests[0]?.ended).toBe('aborted');
    expect(await stack.stored.lines(session)).toEqual(['user: first', 'assistant: partial']);

    client.send({ type: 'message', id: 'm2', content: 'go on' });
    expect(await end(client, 2)).toMatchObject({ type: 'done', full_response: 'next' });
    expect(model.prompt(2)).toEqual(['user: first', 'assistant: partial', 'user: go on']);
  });

  it('before the first token: an empty answer', async () => {
    const model = stack.script([{ gate: createGate() }]);
    const session = stack.newSession();
    const client = await stack.connect(session);
    client.send({ type: 'message', content: 'first' });
    await model.waitForRequest(1);
    client.send({ type: 'abort' });
    expect(await end(client)).toMatchObject({ type: 'aborted', full_response: '' });
    expect(await stack.stored.lines(session)).toEqual(['user: first']);
  });

  it('P14: from another connection of the session', async () => {
    const { client, session } = await leasedTurn();
    const other = await stack.connect(session);
    other.send({ type: 'abort' });
    expect(await end(client)).toMatchObject({ type: 'aborted', full_response: 'partial' });
    expect(await end(other)).toMatchObject({ type: 'aborted', full_response: 'partial' });
  });

  it('P14: after the client that began the turn is gone', async () => {
    const { client, session } = await leasedTurn();
    await client.terminate();
    const other = await stack.connect(session);
    other.send({ type: 'abort' });
    expect(await end(other)).toMatchObject({ type: 'aborted', full_response: 'partial' });
  });

  it('names its turn', async () => {
    const { client, turn_id } = await leasedTurn();
    client.send({ type: 'abort', turn_id });
    expect(await end(client)).toMatchObject({ type: 'aborted', turn_id });
  });
});

describe('abort with steering that waits', () => {
  it('P1: pending: keep (the default): it becomes the next turn', async () => {
    const { client, session, model } = await leasedTurn();
    client.send({ type: 'message', id: 'm2', content: 'second' });
    await accepted(client, 'm2');
    client.send({ type: 'message', id: 'm3', content: 'third' });
    await accepted(client, 'm3');
    client.send({ type: 'abort' });
    await end(client, 2);
    expect(endsOf(client)).toMatchObject([
      { type: 'aborted', full_response: 'partial' },
      { type: 'done', full_response: 'next' },
    ]);
    expect(framesOf(client, 'turn_start')).toMatchObject([{}, { message_ids: ['m2', 'm3'] }]);
    expect(model.prompt(2)).toEqual(['user: first', 'assistant: partial', 'user: second', 'user: third']);
    expect(await stack.stored.lines(session)).toEqual([
      'user: first',
      'assistant: partial',
      'user: second',
      'user: third',
      'assistant: next',
    ]);
  });

  it('P1 P2: pending: discard: it is answered cancelled, and is nowhere', async () => {
    const { client, session, model } = await leasedTurn();
    client.send({ type: 'message', id: 'm2', content: 'unwanted' });
    await accepted(client, 'm2');
    client.send({ type: 'abort', pending: 'discard' });
    expect(await client.waitFor('cancelled')).toMatchObject({ ids: ['m2'] });
    expect(await end(client)).toMatchObject({ type: 'aborted', full_response: 'partial' });
    expect(await stack.stored.lines(session)).toEqual(['user: first', 'assistant: partial']);
    expect(await stack.stored.everything()).not.toContain('unwanted');

    client.send({ type: 'message', id: 'm3', content: 'third' });
    await end(client, 2);
    expect(model.requests).toHaveLength(2);
    expect(model.prompt(2)).toEqual(['user: first', 'assistant: partial', 'user: third']);
  });

  it('P1 P2: with discard and pending_ids, the named ones are cancelled, and what was sent after "stop" is answered', async () => {
    const { client, session, model } = await leasedTurn();
    client.send({ type: 'message', id: 'q1', content: 'unwanted', delivery: 'queue' });
    client.send({ type: 'message', id: 'm2', content: 'unwanted' });
    client.send({ type: 'message', id: 'm3', content: 'third' });
    await Promise.all([accepted(client, 'q1'), accepted(client, 'm2'), accepted(client, 'm3')]);
    client.send({ type: 'abort', pending: 'discard', pending_ids: ['m2', 'q1', 'unknown'] });
    await Promise.all([cancelled(client, 'm2'), cancelled(client, 'q1')]);
    expect(await end(client, 2)).toMatchObject({ type: 'done', full_response: 'next' });
    expect(endsOf(client)[0]).toMatchObject({ type: 'aborted', full_response: 'partial' });
    expect(model.prompt(2)).toEqual(['user: first', 'assistant: partial', 'user: third']);
    expect(await stack.stored.everything()).not.toContain('unwanted');
    expect(await stack.stored.lines(session)).toEqual([
      'user: first',
      'assistant: partial',
      'user: third',
      'assistant: next',
    ]);
  });

  it('P1 P2: with pending_ids, a turn that has not begun loses the named messages and runs with the others', async () => {
    const { client, session, gate, model } = await leasedTurn();
    const second = await stack.connect(session);
    second.send({ type: 'message', id: 's1', content: 'unwanted' });
    const { turn_id } = await accepted(second, 's1');
    second.send({ type: 'message', id: 's2', content: 'wanted' });
    await accepted(second, 's2');
    second.send({ type: 'abort', turn_id, pending: 'discard', pending_ids: ['s1'] });
    await cancelled(second, 's1');
    gate.open();
    await end(client, 2);
    expect(model.prompt(2).at(-1)).toBe('user: wanted');
    expect(await stack.stored.everything()).not.toContain('unwanted');
  });

  it('P5: what was sent with delivery: queue still has its turn', async () => {
    const { client } = await leasedTurn();
    client.send({ type: 'message', id: 'q1', content: 'queued', delivery: 'queue' });
    await accepted(client, 'q1');
    client.send({ type: 'abort' });
    expect(await end(client, 2)).toMatchObject({ type: 'done', full_response: 'next' });
    expect(appliedIds(client)).toEqual(['m1', 'q1']);
  });

  it('P1 P2: with discard, what was sent with delivery: queue is answered cancelled too', async () => {
    const { client, session, model } = await leasedTurn();
    for (const id of ['q1', 'q2']) {
      client.send({ type: 'message', id, content: 'unwanted', delivery: 'queue' });
      await accepted(client, id);
    }
    client.send({ type: 'abort', pending: 'discard' });
    await Promise.all([cancelled(client, 'q1'), cancelled(client, 'q2'), end(client)]);
    expect(await stack.stored.lines(session)).toEqual(['user: first', 'assistant: partial']);
    expect(await stack.stored.everything()).not.toContain('unwanted');
    expect(model.requests).toHaveLength(1);
  });

  it('P1: of a turn that has not begun: it is withdrawn, and with discard so is what waits behind it', async () => {
    const { client, session, gate, model, turn_id } = await leasedTurn();
    const second = await stack.connect(session);
    second.send({ type: 'message', id: 's1', content: 'second' });
    const waits = await accepted(second, 's1');
    second.send({ type: 'message', id: 's2', content: 'third', delivery: 'queue' });
    await accepted(second, 's2');
    second.send({ type: 'abort', turn_id: waits.turn_id, pending: 'discard' });
    await Promise.all([cancelled(second, 's1'), cancelled(second, 's2')]);
    gate.open();
    expect(await end(client)).toMatchObject({ type: 'done', turn_id });
    await stack.stored.transcript(session);
    expect(model.requests).toHaveLength(1);
  });
});

describe('abort during a tool batch', () => {
  it('P13: results that are there stay, the other calls are marked as not run', async () => {
    const model = stack.script([
      {
        chunks: ['Looking.'],
        toolCalls: [
          { name: 'current_time', args: {}, id: 'call_a' },
          { name: 'wait', args: { seconds: 10 }, id: 'call_b' },
        ],
      },
      { chunks: ['next'] },
    ]);
    const session = stack.newSession();
    const client = await stack.connect(session);
    client.send({ type: 'message', id: 'm1', content: 'look' });
    await client.waitFor((frame) => frame.type === 'tool_result' && frame.id === 'call_a');
    client.send({ type: 'abort' });
    expect(await end(client)).toMatchObject({ type: 'aborted', full_response: 'Looking.' });
    const [a, b] = framesOf(client, 'tool_result');
    expect(a).toMatchObject({ id: 'call_a', output: expect.stringContaining('"time":'), json: true });
    expect(a).not.toHaveProperty('is_error');
    expect(b).toMatchObject({ id: 'call_b', is_error: true });
    expect(await stack.stored.lines(session)).toEqual([
      'user: look',
      'assistant: Looking.',
      'tool_call: current_time',
      'tool_call: wait',
      'tool_result: current_time',
      'tool_result: wait',
    ]);
    expect(model.requests).toHaveLength(1);

    client.send({ type: 'message', id: 'm2', content: 'and now' });
    expect(await end(client, 2)).toMatchObject({ type: 'done', full_response: 'next' });
    expect(model.prompt(2)).toEqual([
      'user: look',
      'assistant: Looking. [call call_a] [call call_b]',
      'tool: [result call_a]',
      'tool: [result call_b]',
      'user: and now',
    ]);
  });
});

describe('NO_ACTIVE_TURN', () => {
  it('when nothing runs, and when the turn is over', async () => {
    stack.script([{ chunks: ['ok'] }]);
    const session = stack.newSession();
    const client = await stack.connect(session);
    client.send({ type: 'abort' });
    expect(await client.next('error')).toMatchObject({ code: 'NO_ACTIVE_TURN', terminal: false });
    client.send({ type: 'message', content: 'first' });
    const done = await end(client);
    await stack.stored.transcript(session);
    client.send({ type: 'abort', turn_id: done.turn_id });
    expect(await client.next('error')).toMatchObject({ code: 'NO_ACTIVE_TURN', terminal: false });
  });

  it('when another turn is meant, which stays as it is', async () => {
    const { client, gate } = await leasedTurn();
    client.send({ type: 'abort', turn_id: 'another' });
    expect(await refused(client, 'NO_ACTIVE_TURN')).toMatchObject({ terminal: false });
    gate.open();
    expect(await end(client)).toMatchObject({ type: 'done', full_response: 'partial rest' });
  });
});
