import { describe, expect, it } from 'vitest';
import { accepted, appliedIds, chunk, end, endsOf, eventsOf, framesOf } from '../support/frames.ts';
import { createGate } from '../support/model-server.ts';
import { givenStack } from '../support/stack.ts';

const stack = givenStack();

describe('a message sent while the agent answers', () => {
  it('P1 P3 P6: is seen by the next model call, after what was said, in one turn with one done', async () => {
    const gate = createGate();
    const model = stack.script([{ chunks: ['draft', gate] }, { chunks: ['final answer'] }]);
    const session = stack.newSession();
    const client = await stack.connect(session);

    client.send({ type: 'message', id: 'm1', content: 'first' });
    await chunk(client, 'draft');
    client.send({ type: 'message', id: 'm2', content: 'second' });
    expect(await accepted(client, 'm2')).toMatchObject({ placement: 'steering', position: 0 });
    gate.open();
    const done = await end(client);

    expect(done).toMatchObject({ type: 'done', full_response: 'draftfinal answer', steps: 2 });
    expect(model.requests).toHaveLength(2);
    expect(model.prompt(1)).toEqual(['user: first']);
    expect(model.prompt(2)).toEqual(['user: first', 'assistant: draft', 'user: second']);
    expect(eventsOf(client).map(({ type }) => type)).toEqual([
      'turn_start',
      'applied',
      'chunk',
      'applied',
      'chunk',
      'done',
    ]);
    expect(framesOf(client, 'chunk')).toMatchObject([
      { content: 'draft', offset: 0 },
      { content: 'final answer', offset: 5 },
    ]);
    expect(framesOf(client, 'applied')).toMatchObject([
      { messages: [{ id: 'm1', content: 'first' }], step: 1 },
      { messages: [{ id: 'm2', content: 'second' }], step: 2 },
    ]);
    expect(await stack.stored.lines(session)).toEqual([
      'user: first',
      'assistant: draft',
      'user: second',
      'assistant: final answer',
    ]);
    client.send({ type: 'history', merged: true });
    const { entries } = await client.next('history');
    expect(entries.map((entry) => 'content' in entry && `${entry.role}: ${entry.content}`)).toEqual([
      'user: first',
      'user: second',
      'assistant: draftfinal answer',
    ]);
  });

  it('P7: that is the last of several is still answered by the same turn', async () => {
    const gates = [createGate(), createGate(), createGate()];
    const model = stack.script((_, index) => ({
      chunks: [`part ${index + 1}. `, ...gates.slice(index, index + 1)],
    }));
    const client = await stack.connect(stack.newSession());
    client.send({ type: 'message', id: 'm1', content: 'one' });
    for (const [i, gate] of gates.entries()) {
      await chunk(client, `part ${i + 1}. `);
      client.send({ type: 'message', id: `m${i + 2}`, content: `steer ${i + 1}` });
      expect(await accepted(client, `m${i + 2}`)).toMatchObject({ placement: 'steering' });
      gate.open();
    }
    expect(await end(client)).toMatchObject({ full_response: 'part 1. part 2. part 3. part 4. ', steps: 4 });
    expect(endsOf(client)).toHaveLength(1);
    expect(model.requests).toHaveLength(4);
    expect(appliedIds(client)).toEqual(['m1', 'm2', 'm3', 'm4']);
  });

  it('P6: several at once are taken in together, in order, before one model call', async () => {
    const gate = createGate();
    const model = stack.script([{ chunks: ['thinking aloud', gate] }, { chunks: [' ok'] }]);
    const client = await stack.connect(stack.newSession());
    client.send({ type: 'message', id: 'm1', content: 'go' });
    await chunk(client, 'thinking aloud');
    for (const n of [2, 3, 4]) {
      client.send({ type: 'message', id: `m${n}`, content: `steer ${n}` });
      expect(await accepted(client, `m${n}`)).toMatchObject({ placement: 'steering', position: n - 2 });
    }
    gate.open();
    await end(client);
    expect(model.requests).toHaveLength(2);
    expect(model.prompt(2)).toEqual([
      'user: go',
      'assistant: thinking aloud',
      'user: steer 2',
      'user: steer 3',
      'user: steer 4',
    ]);
  });
});

describe('a message sent while tools run', () => {
  it('P6 P13: is seen by the very next model call, after the results of the complete batch', async () => {
    const model = stack.script([
      {
        chunks: ['Let me look.'],
        toolCalls: [
          { name: 'current_time', args: {}, id: 'call_a' },
          { name: 'wait', args: { seconds: 1 }, id: 'call_b' },
        ],
      },
      { chunks: ['It is late.'] },
    ]);
    const session = stack.newSession();
    const client = await stack.connect(session);
    client.send({ type: 'message', id: 'm1', content: 'what time is it' });
    // The first result is there, the second tool still runs.
    await client.waitFor((frame) => frame.type === 'tool_result' && frame.id === 'call_a');
    client.send({ type: 'message', id: 'm2', content: 'in words' });
    await accepted(client, 'm2');
    expect(framesOf(client, 'tool_result')).toHaveLength(1);
    await end(client);

    expect(model.requests).toHaveLength(2);
    expect(model.prompt(2)).toEqual([
      'user: what time is it',
      'assistant: Let me look. [call call_a] [call call_b]',
      'tool: [result call_a]',
      'tool: [result call_b]',
      'user: in words',
    ]);
    expect(framesOf(client, 'tool_result')).toMatchObject([
      { id: 'call_a', name: 'current_time' },
      { id: 'call_b', name: 'wait', output: '{"waited_seconds":1}', json: true },
    ]);
    expect(await stack.stored.lines(session)).toEqual([
      'user: what time is it',
      'assistant: Let me look.',
      'tool_call: current_time',
      'tool_call: wait',
      'tool_result: current_time',
      'tool_result: wait',
      'user: in words',
      'assistant: It is late.',
    ]);
  });
});

describe('what a person writes', () => {
  it('P11: reaches prompt, transcript and clients verbatim, whitespace and all', async () => {
    const content = '\n\n  def f():\n\treturn "ü — 👩‍👩‍👧"\r\n \u0000 </s> ';
    const model = stack.script([{ chunks: ['ok'] }]);
    const session = stack.newSession();
    const client = await stack.connect(session);
    client.send({ type: 'message', id: 'm1', content });
    await end(client);
    expect(model.prompt(1)).toEqual([`user: ${content}`]);
    expect(framesOf(client, 'applied')).toMatchObject([{ messages: [{ id: 'm1', content }] }]);
    expect(await stack.stored.lines(session)).toEqual([`user: ${content}`, 'assistant: ok']);
  });

  it('P11: later turns see the earlier ones as they were said', async () => {
    const gate = createGate();
    const model = stack.script([
      { chunks: ['draft', gate] },
      { chunks: ['final'] },
      { chunks: ['as before'] },
    ]);
    const client = await stack.connect(stack.newSession());
    client.send({ type: 'message', id: 'm1', content: 'first' });
    await chunk(client, 'draft');
    client.send({ type: 'message', id: 'm2', content: 'second' });
    await accepted(client, 'm2');
    gate.open();
    await end(client);
    client.send({ type: 'message', id: 'm3', content: 'third' });
    await end(client, 2);
    expect(model.prompt(3)).toEqual([
      'user: first',
      'assistant: draft',
      'user: second',
      'assistant: final',
      'user: third',
    ]);
  });
});
