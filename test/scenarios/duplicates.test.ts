import { describe, expect, it } from 'vitest';
import { accepted, chunk, end, framesOf } from '../support/frames.ts';
import { createGate } from '../support/model-server.ts';
import { givenStack } from '../support/stack.ts';
import type { FrameOf, WsClient } from '../support/ws-client.ts';

const stack = givenStack();

const acks = (client: WsClient, id: string) => framesOf(client, 'accepted').filter((ack) => ack.id === id);

/** What an acknowledgement says of where the message landed. */
const landing = ({ id, turn_id, placement }: FrameOf<'accepted'>) => ({ id, turn_id, placement });

async function leasedTurn() {
  const gate = createGate();
  const model = stack.script((_, index) => ({ chunks: index === 0 ? ['draft', gate] : [' more'] }));
  const session = stack.newSession();
  const client = await stack.connect(session);
  client.send({ type: 'message', id: 'm1', content: 'first' });
  await chunk(client, 'draft');
  return { client, session, model, gate };
}

describe('the same message id again', () => {
  it('P10: many times at once: one entry, and every acknowledgement is the same', async () => {
    const model = stack.script([{ chunks: ['ok'] }]);
    const session = stack.newSession();
    const client = await stack.connect(session);
    for (let i = 0; i < 5; i++) client.send({ type: 'message', id: 'm1', content: 'first' });
    await client.waitFor(() => acks(client, 'm1').length === 5);
    await end(client);
    expect(new Set(acks(client, 'm1').map((ack) => JSON.stringify(landing(ack))))).toHaveLength(1);
    expect(acks(client, 'm1').filter(({ duplicate }) => !duplicate).length).toBeLessThanOrEqual(1);
    expect(await stack.stored.lines(session)).toEqual(['user: first', 'assistant: ok']);
    expect(model.requests).toHaveLength(1);
  });

  it('P10: of steering, while it waits, while it is answered and after done', async () => {
    const { client, session, model, gate } = await leasedTurn();
    const send = () => client.send({ type: 'message', id: 'm2', content: 'second' });
    send();
    const first = await accepted(client, 'm2');
    expect(first).toMatchObject({ placement: 'steering' });
    expect(first).not.toHaveProperty('duplicate');
    send();
    await client.waitFor(() => acks(client, 'm2').length === 2);
    gate.open();
    send();
    await client.waitFor(() => acks(client, 'm2').length === 3);
    await end(client);
    send();
    await client.waitFor(() => acks(client, 'm2').length === 4);
    expect(acks(client, 'm2').slice(1)).toMatchObject(
      [1, 2, 3].map(() => ({ ...landing(first), duplicate: true })),
    );
    expect(await stack.stored.lines(session)).toEqual([
      'user: first',
      'assistant: draft',
      'user: second',
      'assistant:  more',
    ]);
    expect(model.requests).toHaveLength(2);
  });

  it('P10: after a reconnect that takes the lane along, in mid-turn', async () => {
    const { client, session, model, gate } = await leasedTurn();
    client.send({ type: 'message', id: 'm2', content: 'second' });
    const first = await accepted(client, 'm2');
    const { lane } = await client.waitFor('session_start');
    await client.terminate();

    const back = await stack.connect(session);
    back.send({ type: 'connect', resume: { lane, after_seq: 0 } });
    // Frames of one connection overtake one another: a message before `session_start` may go over another lane.
    await back.waitFor('session_start');
    back.send({ type: 'message', id: 'm2', content: 'second' });
    back.send({ type: 'message', id: 'm3', content: 'third' });
    expect(await accepted(back, 'm2')).toMatchObject({ ...landing(first), duplicate: true });
    expect(await accepted(back, 'm3')).toMatchObject({ placement: 'steering', turn_id: first.turn_id });
    gate.open();
    expect(await end(back)).toMatchObject({ full_response: 'draft more' });
    expect(model.prompt(2)).toEqual(['user: first', 'assistant: draft', 'user: second', 'user: third']);
  });

  it('P10: from another connection of the session, once a turn has it', async () => {
    const { client, session, model, gate } = await leasedTurn();
    const first = await accepted(client, 'm1');
    gate.open();
    await end(client);
    await stack.stored.transcript(session);
    const other = await stack.connect(session);
    other.send({ type: 'message', id: 'm1', content: 'first' });
    expect(await accepted(other, 'm1')).toMatchObject({ ...landing(first), duplicate: true });
    expect(await stack.stored.lines(session)).toEqual(['user: first', 'assistant: draft']);
    expect(model.requests).toHaveLength(1);
  });

  it('P12: of another session is another message', async () => {
    stack.script(() => ({ chunks: ['ok'] }));
    const sessions = [stack.newSession(), stack.newSession()];
    for (const session of sessions) {
      const client = await stack.connect(session);
      client.send({ type: 'message', id: 'm1', content: 'first' });
      await end(client);
      expect(await stack.stored.lines(session)).toEqual(['user: first', 'assistant: ok']);
    }
  });
});
