import { describe, expect, it } from 'vitest';
import { accepted, chunk, end, eventsOf, framesOf } from '../support/frames.ts';
import { createGate } from '../support/model-server.ts';
import { givenStack } from '../support/stack.ts';
import type { WsClient } from '../support/ws-client.ts';

const stack = givenStack();

/** A client that has received `connected`, and the id of its connection. */
async function connected(session: string): Promise<{ client: WsClient; id: string }> {
  const before = new Set(stack.cloud.gateway.connections());
  const client = await stack.connect(session);
  const id = stack.cloud.gateway.connections().find((known) => !before.has(known)) ?? '';
  client.send({ type: 'connect' });
  await client.next('connected');
  return { client, id };
}

/** Posts to it are not answered from now on, until somebody closes the connection. */
async function vanish({ client, id }: { client: WsClient; id: string }): Promise<void> {
  stack.cloud.gateway.hang(id);
  await client.closed;
  expect(stack.cloud.gateway.connections()).not.toContain(id);
}

describe('clients that vanish without a word', () => {
  it('P14: in mid-turn: they are closed, the others get the answer, and the next message is answered', async () => {
    const gate = createGate();
    stack.script([{ chunks: ['one', gate, ' two'] }, { chunks: ['next'] }]);
    const session = stack.newSession();
    const { client } = await connected(session);
    const others = [await connected(session), await connected(session), await connected(session)];
    client.send({ type: 'message', id: 'm1', content: 'go' });
    await chunk(client, 'one');
    const gone = others.map(vanish);
    gate.open();
    expect(await end(client)).toMatchObject({ type: 'done', full_response: 'one two' });
    client.send({ type: 'message', id: 'm2', content: 'and now' });
    expect(await end(client, 2)).toMatchObject({ type: 'done', full_response: 'next' });
    expect(framesOf(client, 'error')).toEqual([]);
    await Promise.all(gone);
  });

  it('P9: one that comes back resumes, and misses nothing', async () => {
    const gate = createGate();
    stack.script([{ chunks: ['one', gate, ' two'] }]);
    const session = stack.newSession();
    const [first, other] = [await connected(session), await connected(session)];
    first.client.send({ type: 'message', id: 'm1', content: 'go' });
    await chunk(other.client, 'one');
    const gone = vanish(other);
    gate.open();
    await end(first.client);
    await gone;
    const back = await stack.connect(session);
    const { lane } = await other.client.waitFor('session_start');
    back.send({ type: 'connect', resume: { lane, after_seq: eventsOf(other.client).length } });
    await back.next('connected');
    expect([...eventsOf(other.client), ...eventsOf(back)]).toEqual(eventsOf(first.client));
  });

  it('P1: a message whose acknowledgement cannot be posted is accepted, and answered', async () => {
    stack.script([{ chunks: ['heard'] }]);
    const session = stack.newSession();
    const [sender, other] = [await connected(session), await connected(session)];
    // It vanishes at the moment at which its message arrives.
    const stop = stack.cloud.gateway.onTraffic(({ direction }) => {
      if (direction === 'in') stack.cloud.gateway.hang(sender.id);
    });
    sender.client.send({ type: 'message', id: 'm1', content: 'are you there' });
    expect(await end(other.client)).toMatchObject({ type: 'done', full_response: 'heard' });
    stop();
    await sender.client.closed;
    const back = await stack.connect(session);
    const { lane } = await sender.client.waitFor('session_start');
    back.send({ type: 'connect', resume: { lane, after_seq: 0 } });
    back.send({ type: 'message', id: 'm1', content: 'are you there' });
    expect(await accepted(back, 'm1')).toMatchObject({ duplicate: true });
  });

  it('do not keep a session from being deleted, nor the others from being told', async () => {
    const gate = createGate();
    stack.script([{ chunks: ['one', gate] }]);
    const session = stack.newSession();
    const [first, second, vanished] = [
      await connected(session),
      await connected(session),
      await connected(session),
    ];
    first.client.send({ type: 'message', id: 'm1', content: 'go' });
    await chunk(vanished.client, 'one');
    stack.cloud.gateway.hang(vanished.id);
    first.client.send({ type: 'delete', session_id: session });
    await first.client.next('deleted');
    await second.client.waitFor((frame) => frame.type === 'error' && frame.code === 'SESSION_DELETED');
    await vanished.client.closed;
    gate.open();
  });
});
