import { describe, expect, it } from 'vitest';
import { accepted, appliedIds, cancelled, chunk, end, framesOf, notPending } from '../support/frames.ts';
import { createGate } from '../support/model-server.ts';
import { givenStack } from '../support/stack.ts';

const stack = givenStack();

async function leasedTurn() {
  const gate = createGate();
  const model = stack.script((_, index) => ({ chunks: index === 0 ? ['draft', gate] : [`answer ${index}`] }));
  const session = stack.newSession();
  const client = await stack.connect(session);
  client.send({ type: 'message', id: 'm1', content: 'first' });
  const { turn_id } = await chunk(client, 'draft');
  return { client, session, model, gate, turn_id };
}

describe('cancel', () => {
  it('P1 P2: withdraws steering that waits; the rest of it is answered', async () => {
    const { client, session, model, gate } = await leasedTurn();
    for (const id of ['m2', 'm3']) {
      client.send({ type: 'message', id, content: `text of ${id}` });
      await accepted(client, id);
    }
    client.send({ type: 'cancel', id: 'm2' });
    expect(await cancelled(client, 'm2')).toMatchObject({ ids: ['m2'] });
    gate.open();
    await end(client);
    expect(appliedIds(client)).toEqual(['m1', 'm3']);
    expect(model.prompt(2)).toEqual(['user: first', 'assistant: draft', 'user: text of m3']);
    await stack.stored.transcript(session);
    expect(await stack.stored.everything()).not.toContain('text of m2');
  });

  it('P7: of the only steering: the turn ends without another model call', async () => {
    const { client, model, gate } = await leasedTurn();
    client.send({ type: 'message', id: 'm2', content: 'second' });
    await accepted(client, 'm2');
    client.send({ type: 'cancel', id: 'm2' });
    await cancelled(client, 'm2');
    gate.open();
    expect(await end(client)).toMatchObject({ type: 'done', full_response: 'draft', steps: 1 });
    expect(model.requests).toHaveLength(1);
  });

  it('P1: withdraws a message that waits for a turn of its own', async () => {
    const { client, session, model, gate } = await leasedTurn();
    for (const id of ['q1', 'q2']) {
      client.send({ type: 'message', id, content: `text of ${id}`, delivery: 'queue' });
      await accepted(client, id);
    }
    client.send({ type: 'cancel', id: 'q1' });
    await cancelled(client, 'q1');
    gate.open();
    expect(await end(client, 2)).toMatchObject({ full_response: 'answer 1' });
    expect(await stack.stored.lines(session)).toEqual([
      'user: first',
      'assistant: draft',
      'user: text of q2',
      'assistant: answer 1',
    ]);
    expect(model.requests).toHaveLength(2);
  });

  it('P1: withdraws the message of a turn that has not begun, behind another connection’s', async () => {
    const { client, session, model, gate } = await leasedTurn();
    const second = await stack.connect(session);
    second.send({ type: 'message', id: 'm2', content: 'second' });
    expect(await accepted(second, 'm2')).toMatchObject({ placement: 'turn', position: 1 });
    second.send({ type: 'cancel', id: 'm2' });
    await cancelled(second, 'm2');
    gate.open();
    await end(client);
    expect(await stack.stored.lines(session)).toEqual(['user: first', 'assistant: draft']);
    expect(model.requests).toHaveLength(1);
  });

  it('P10: the same again, and the message sent again, get the same answer', async () => {
    const { client, gate } = await leasedTurn();
    client.send({ type: 'message', id: 'm2', content: 'second' });
    await accepted(client, 'm2');
    client.send({ type: 'cancel', id: 'm2' });
    await client.next('cancelled');
    client.send({ type: 'cancel', id: 'm2' });
    expect(await client.next('cancelled')).toMatchObject({ ids: ['m2'] });
    client.send({ type: 'message', id: 'm2', content: 'second' });
    expect(await client.next('cancelled')).toMatchObject({ ids: ['m2'] });
    gate.open();
    await end(client);
    client.send({ type: 'message', id: 'm2', content: 'second' });
    expect(await client.next('cancelled')).toMatchObject({ ids: ['m2'] });
    expect(framesOf(client, 'accepted').filter(({ id }) => id === 'm2')).toHaveLength(1);
  });
});

describe('NOT_PENDING', () => {
  it('for a message that a turn has taken in, which stays', async () => {
    const { client, session, gate, turn_id } = await leasedTurn();
    client.send({ type: 'cancel', id: 'm1' });
    expect(await notPending(client, 'm1')).toMatchObject({ terminal: false, turn_id, placement: 'turn' });
    gate.open();
    await end(client);
    expect(await stack.stored.lines(session)).toEqual(['user: first', 'assistant: draft']);
  });

  it('for a message that nobody knows', async () => {
    const client = await stack.connect(stack.newSession());
    client.send({ type: 'cancel', id: 'unknown' });
    const answer = await notPending(client, 'unknown');
    expect(answer).toMatchObject({ terminal: false, retryable: false });
    expect(answer).not.toHaveProperty('turn_id');
  });
});
