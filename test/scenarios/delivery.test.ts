import { describe, expect, it } from 'vitest';
import { accepted, appliedIds, chunk, end, endsOf, eventsOf, framesOf } from '../support/frames.ts';
import { createGate } from '../support/model-server.ts';
import { givenStack } from '../support/stack.ts';

const stack = givenStack();

const LONG_WAIT = { name: 'wait', args: { seconds: 10 }, id: 'call_a' };

describe('delivery: queue', () => {
  it('P5: waits for a turn of its own, in order, behind what steers the running one', async () => {
    const gate = createGate();
    const model = stack.script([
      { chunks: ['draft', gate] },
      { chunks: [' steered'] },
      { chunks: ['one'] },
      { chunks: ['two'] },
    ]);
    const session = stack.newSession();
    const client = await stack.connect(session);
    client.send({ type: 'message', id: 'm1', content: 'first' });
    await chunk(client, 'draft');
    client.send({ type: 'message', id: 'q1', content: 'queued 1', delivery: 'queue' });
    const one = await accepted(client, 'q1');
    client.send({ type: 'message', id: 'q2', content: 'queued 2', delivery: 'queue' });
    const two = await accepted(client, 'q2');
    client.send({ type: 'message', id: 's1', content: 'steer', delivery: 'steer' });
    expect(await accepted(client, 's1')).toMatchObject({ placement: 'steering' });
    expect(one).toMatchObject({ placement: 'queued', position: 0 });
    expect(two).toMatchObject({ placement: 'queued', position: 1 });
    gate.open();
    await end(client, 3);

    expect(endsOf(client)).toMatchObject([
      { full_response: 'draft steered' },
      { full_response: 'one', turn_id: one.turn_id },
      { full_response: 'two', turn_id: two.turn_id },
    ]);
    expect(appliedIds(client)).toEqual(['m1', 's1', 'q1', 'q2']);
    expect(model.prompt(4)).toEqual([
      'user: first',
      'assistant: draft',
      'user: steer',
      'assistant:  steered',
      'user: queued 1',
      'assistant: one',
      'user: queued 2',
    ]);
  });

  it('opens a turn at once when nothing runs', async () => {
    stack.script([{ chunks: ['ok'] }]);
    const client = await stack.connect(stack.newSession());
    client.send({ type: 'message', id: 'q1', content: 'queued', delivery: 'queue' });
    expect(await accepted(client, 'q1')).toMatchObject({ placement: 'turn', position: 0 });
    expect(await end(client)).toMatchObject({ full_response: 'ok' });
  });
});

describe('delivery: now', () => {
  it('P3: cuts the running model call, keeps what was said and goes on with the message', async () => {
    const never = createGate();
    const model = stack.script([
      { chunks: ['The story begins', never, ' and ends.'] },
      { chunks: [' Stop.'] },
    ]);
    const session = stack.newSession();
    const client = await stack.connect(session);
    client.send({ type: 'message', id: 'm1', content: 'tell a story' });
    await chunk(client, 'The story begins');
    client.send({ type: 'message', id: 'm2', content: 'no, stop', delivery: 'now' });
    expect(await end(client)).toMatchObject({ type: 'done', full_response: 'The story begins Stop.' });
    expect(await model.requests[0]?.ended).toBe('aborted');
    expect(model.prompt(2)).toEqual(['user: tell a story', 'assistant: The story begins', 'user: no, stop']);
    expect(await stack.stored.lines(session)).toEqual([
      'user: tell a story',
      'assistant: The story begins',
      'user: no, stop',
      'assistant:  Stop.',
    ]);
  });

  it('P6: takes along, in order, the steering that waited already', async () => {
    const never = createGate();
    const model = stack.script([{ chunks: ['draft', never] }, { chunks: ['.'] }]);
    const client = await stack.connect(stack.newSession());
    client.send({ type: 'message', id: 'm1', content: 'first' });
    await chunk(client, 'draft');
    client.send({ type: 'message', id: 'm2', content: 'second' });
    await accepted(client, 'm2');
    client.send({ type: 'message', id: 'm3', content: 'third', delivery: 'now' });
    await end(client);
    expect(model.prompt(2)).toEqual(['user: first', 'assistant: draft', 'user: second', 'user: third']);
    expect(eventsOf(client).filter(({ type }) => type === 'applied')).toHaveLength(2);
  });

  it('before the first token, and opens a turn when nothing runs', async () => {
    const never = createGate();
    const model = stack.script([{ gate: never }, { chunks: ['ok'] }]);
    const client = await stack.connect(stack.newSession());
    client.send({ type: 'message', id: 'm1', content: 'first', delivery: 'now' });
    expect(await accepted(client, 'm1')).toMatchObject({ placement: 'turn' });
    await model.waitForRequest(1);
    client.send({ type: 'message', id: 'm2', content: 'second', delivery: 'now' });
    expect(await end(client)).toMatchObject({ full_response: 'ok' });
    expect(model.prompt(2)).toEqual(['user: first', 'user: second']);
    expect(framesOf(client, 'chunk')).toHaveLength(1);
  });

  it('P6 P13: stops a running tool that may be stopped, whose call has a result all the same', async () => {
    const model = stack.script([{ toolCalls: [LONG_WAIT] }, { chunks: ['ok'] }]);
    const session = stack.newSession();
    const client = await stack.connect(session);
    client.send({ type: 'message', id: 'm1', content: 'wait' });
    await client.next('tool_call');
    client.send({ type: 'message', id: 'm2', content: 'no, go on', delivery: 'now' });
    expect(await end(client)).toMatchObject({ type: 'done', full_response: 'ok' });
    expect(framesOf(client, 'tool_result')).toMatchObject([
      { id: 'call_a', is_error: true, output: expect.stringContaining('stopped') },
    ]);
    expect(model.prompt(2)).toEqual([
      'user: wait',
      'assistant: [call call_a]',
      'tool: [result call_a]',
      'user: no, go on',
    ]);
  });

  it('P1 P13: against an abort while a tool runs: one result, and the message is answered in one turn or the next', async () => {
    const never = createGate();
    stack.script((request) => {
      const told = request.messages.some((message) => message.role === 'tool');
      return told ? { chunks: ['answer', never] } : { toolCalls: [LONG_WAIT] };
    });
    const session = stack.newSession();
    const client = await stack.connect(session);
    client.send({ type: 'message', id: 'm1', content: 'wait' });
    await client.next('tool_call');
    client.send({ type: 'message', id: 'm2', content: 'no, go on', delivery: 'now' });
    client.send({ type: 'abort' });
    expect(await end(client)).toMatchObject({ type: 'aborted' });
    expect(framesOf(client, 'tool_result')).toHaveLength(1);
    if (!appliedIds(client).includes('m2')) {
      // What was pending has a turn of its own.
      await chunk(client, 'answer');
      client.send({ type: 'abort' });
      await end(client, 2);
    }
    expect(appliedIds(client)).toEqual(['m1', 'm2']);
  });
});
