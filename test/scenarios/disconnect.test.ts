import { expect, it } from 'vitest';
import { accepted, chunk, end } from '../support/frames.ts';
import { createGate } from '../support/model-server.ts';
import { givenStack } from '../support/stack.ts';

const stack = givenStack();

it.each(['terminate', 'close'] as const)(
  'P14: a client that drops mid-turn (%s): the turn is stored whole, steering included',
  async (drop) => {
    const [a, b] = [createGate(), createGate()];
    const model = stack.script([{ chunks: ['draft', a, ' and more'] }, { chunks: [' final', b, '.'] }]);
    const session = stack.newSession();
    const client = await stack.connect(session);
    client.send({ type: 'message', id: 'm1', content: 'first' });
    await chunk(client, 'draft');
    client.send({ type: 'message', id: 'm2', content: 'second' });
    await accepted(client, 'm2');
    await client[drop]();
    a.open();
    await model.waitForRequest(2);
    b.open();
    expect(await stack.stored.lines(session)).toEqual([
      'user: first',
      'assistant: draft and more',
      'user: second',
      'assistant:  final.',
    ]);
    expect(model.requests).toHaveLength(2);
  },
);

it('P14: the other connections of the session go on seeing the turn', async () => {
  const gate = createGate();
  stack.script([{ chunks: ['draft', gate, '.'] }]);
  const session = stack.newSession();
  const [client, watcher] = [await stack.connect(session), await stack.connect(session)];
  watcher.send({ type: 'connect' });
  await watcher.next('connected');
  client.send({ type: 'message', id: 'm1', content: 'first' });
  await chunk(watcher, 'draft');
  await client.terminate();
  gate.open();
  expect(await end(watcher)).toMatchObject({ type: 'done', full_response: 'draft.' });
});

it('P14: a client that is gone before its turn begins still gets its answer stored', async () => {
  const model = stack.script([{ chunks: ['ok'] }]);
  const session = stack.newSession();
  const client = await stack.connect(session);
  client.send({ type: 'message', id: 'm1', content: 'first' });
  await accepted(client, 'm1');
  await client.terminate();
  await model.waitForRequest(1);
  expect(await stack.stored.lines(session)).toEqual(['user: first', 'assistant: ok']);
});
