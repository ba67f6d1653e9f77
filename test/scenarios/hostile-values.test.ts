import { expect, it } from 'vitest';
import { accepted, chunk, end, framesOf, notPending, refused } from '../support/frames.ts';
import { createGate } from '../support/model-server.ts';
import { givenStack } from '../support/stack.ts';

const stack = givenStack();

/** JSON values that DynamoDB, or the SDK's marshaller, refuses or changes. */
const VALUES: readonly [title: string, args: Record<string, unknown>][] = [
  ['a key `constructor`', { constructor: { name: 'Object' } }],
  ['a number beyond 2^53', { id: 2 ** 60 }],
  ['a number of 1e200', { size: 1e200 }],
  ['a number of 1e-200', { size: 1e-200 }],
  ['an empty key', { '': 1 }],
  ['40 levels of nesting', JSON.parse(`${'{"a":'.repeat(40)}1${'}'.repeat(40)}`)],
];

it.each(VALUES)(
  'P1, P13: a turn ends whose model calls a tool with %s, and the next one sees the call',
  async (_, args) => {
    const model = stack.script([
      { toolCalls: [{ name: 'current_time', args }] },
      { chunks: ['first'] },
      { chunks: ['second'] },
    ]);
    const client = await stack.connect(stack.newSession());
    client.send({ type: 'message', content: 'one' });
    expect(await end(client)).toMatchObject({ type: 'done', full_response: 'first' });
    expect(framesOf(client, 'tool_call')[0]).toMatchObject({ args });
    client.send({ type: 'message', content: 'two' });
    expect(await end(client, 2)).toMatchObject({ type: 'done', full_response: 'second' });
    const calls = model.requests[2]?.body.messages.flatMap((message) =>
      message.role === 'assistant' ? (message.tool_calls ?? []) : [],
    );
    expect(calls?.map((call) => JSON.parse(call.function.arguments))).toEqual([args]);
  },
);

const IDS = ['constructor', 'toString', 'hasOwnProperty', 'valueOf'];

it.each(IDS)('P1, P10: messages whose ids are `%s` open, steer and queue turns, once each', async (id) => {
  const gate = createGate();
  const model = stack.script((_, index) => (index === 0 ? { chunks: ['a'], gate } : { chunks: ['b'] }));
  const session = stack.newSession();
  const client = await stack.connect(session);
  client.send({ type: 'message', id, content: 'opens' });
  await accepted(client, id);
  await model.waitForRequest(1);
  client.send({ type: 'message', id: `${id}-2`, content: 'steers' });
  await accepted(client, `${id}-2`);
  // The same id again is the same message.
  client.send({ type: 'message', id, content: 'opens' });
  await accepted(client, id);
  gate.open();
  expect(await end(client)).toMatchObject({ type: 'done', full_response: 'ab' });
  expect(await stack.stored.lines(session)).toEqual([
    'user: opens',
    'assistant: a',
    'user: steers',
    'assistant: b',
  ]);
});

it.each(IDS)(
  'P12, P13: `%s` as the id of a session, turn, lane, request, tool and call is one like any other',
  async (id) => {
    const gate = createGate();
    stack.script([{ toolCalls: [{ name: id, id, args: {} }] }, { chunks: ['a', gate] }, { chunks: ['b'] }]);
    const client = await stack.connect(id);
    client.send({ type: 'connect', resume: { lane: id } });
    await client.next('connected');
    client.send({ type: 'message', content: 'first' });
    await chunk(client, 'a');
    expect(framesOf(client, 'tool_result')).toMatchObject([{ id, name: id, is_error: true }]);
    client.send({ type: 'cancel', id });
    await notPending(client, id);
    client.send({ type: 'approval_response', request_id: id, decision: 'approve' });
    await refused(client, 'INVALID_APPROVAL_RESPONSE');
    client.send({ type: 'abort', turn_id: id, pending: 'discard', pending_ids: [id] });
    await refused(client, 'NO_ACTIVE_TURN');
    gate.open();
    expect(await end(client)).toMatchObject({ type: 'done', full_response: 'a' });
    client.send({ type: 'message', content: 'second' });
    expect(await end(client, 2)).toMatchObject({ type: 'done', full_response: 'b' });
    client.send({ type: 'rename', session_id: id, name: id });
    expect(await client.waitFor('renamed')).toMatchObject({ session_id: id, name: id });
    client.send({ type: 'delete', session_id: id });
    expect(await client.waitFor('deleted')).toMatchObject({ session_id: id });
  },
);

it('P1, P10: a message with half a character is answered with U+FFFD in its place, and so is its repeat', async () => {
  const model = stack.script([{ chunks: ['So.'] }]);
  const session = stack.newSession();
  const client = await stack.connect(session);
  client.send({ type: 'message', id: 'half', content: 'Great \ud83d' });
  expect(await end(client)).toMatchObject({ type: 'done', full_response: 'So.' });
  expect(framesOf(client, 'applied')[0]?.messages).toEqual([{ id: 'half', content: 'Great \ufffd' }]);
  expect(model.prompt(1).at(-1)).toBe('user: Great \ufffd');
  client.send({ type: 'message', id: 'half', content: 'Great \ud83d' });
  expect(
    await client.waitFor((frame) => frame.type === 'accepted' && frame.duplicate === true),
  ).toMatchObject({
    id: 'half',
  });
  expect(await stack.stored.lines(session)).toEqual(['user: Great \ufffd', 'assistant: So.']);
});

it('P3: a character whose halves come in two parts of an answer is whole; one that is cut in between is left out', async () => {
  const gate = createGate();
  const model = stack.script([
    { chunks: ['One \ud83d', '\ude00 two \ud83d', gate, '\ude00'] },
    { chunks: [' three'] },
  ]);
  const session = stack.newSession();
  const client = await stack.connect(session);
  client.send({ type: 'message', content: 'begin' });
  // The first part is committed at once, the rest after a window.
  await chunk(client, '😀 two ');
  client.send({ type: 'message', id: 'now', content: 'hurry', delivery: 'now' });
  expect(await end(client)).toMatchObject({ type: 'done', full_response: 'One 😀 two  three' });
  expect(model.prompt(2)).toEqual(['user: begin', 'assistant: One 😀 two ', 'user: hurry']);
  gate.open();
});
