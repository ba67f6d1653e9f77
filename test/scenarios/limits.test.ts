import { describe, expect, it } from 'vitest';
import { chunk, end, framesOf, isEvent } from '../support/frames.ts';
import { createGate } from '../support/model-server.ts';
import { givenStack } from '../support/stack.ts';
import type { WsClient } from '../support/ws-client.ts';

const stack = givenStack();

/** A turn that is held in mid-answer, with an empty inbox. */
async function leasedTurn() {
  const gate = createGate();
  const model = stack.script([{ chunks: ['draft', gate] }, { chunks: [' final'] }, { chunks: ['later'] }]);
  const session = stack.newSession();
  const client = await stack.connect(session);
  client.send({ type: 'message', id: 'm0', content: 'first' });
  await chunk(client, 'draft');
  return { client, session, model, gate };
}

const refusals = (client: WsClient) => framesOf(client, 'error').filter((frame) => !isEvent(frame));
const acceptedIds = (client: WsClient) => framesOf(client, 'accepted').map(({ id }) => id);

/** Waits until each of these messages has its answer, whichever it is. */
const answered = (client: WsClient, count: number) =>
  client.waitFor(() => framesOf(client, 'accepted').length + refusals(client).length === count);

describe('an inbox that is full', () => {
  it('P1 P2: by count: 64 messages wait, the rest are STEERING_QUEUE_FULL and nowhere; the turn goes on', async () => {
    const { client, session, model, gate } = await leasedTurn();
    const sent = Array.from({ length: 70 }, (_, i) => ({ id: `s${i + 1}`, content: `<steer ${i + 1}>` }));
    for (const message of sent) client.send({ type: 'message', ...message });
    await answered(client, 71);

    expect(refusals(client)).toHaveLength(6);
    for (const error of refusals(client)) {
      expect(error).toMatchObject({
        code: 'STEERING_QUEUE_FULL',
        terminal: false,
        retryable: true,
        limit: 64,
        depth: 64,
      });
    }
    const refusedIds = new Set(refusals(client).map((error) => 'id' in error && error.id));
    const [taken, refused] = [true, false].map((wanted) =>
      sent.filter(({ id }) => refusedIds.has(id) !== wanted),
    );
    expect(acceptedIds(client).toSorted()).toEqual(['m0', ...(taken ?? []).map(({ id }) => id)].toSorted());

    const whileHeld = await stack.stored.everything();
    gate.open();
    expect(await end(client)).toMatchObject({ type: 'done', full_response: 'draft final', steps: 2 });
    expect(model.requests).toHaveLength(2);
    expect(model.prompt(2)).toEqual([
      'user: first',
      'assistant: draft',
      ...(taken ?? []).map(({ content }) => `user: ${content}`),
    ]);
    expect(await stack.stored.lines(session)).toHaveLength(67);
    const stored = await stack.stored.everything();
    for (const { content } of refused ?? []) {
      expect(whileHeld).not.toContain(content);
      expect(stored).not.toContain(content);
    }
  });

  it('P2: by bytes: what does not fit is STEERING_QUEUE_FULL; what is small enough still fits', async () => {
    const { client, model, gate } = await leasedTurn();
    const content = (n: number) => `<large ${n}>`.padEnd(24_000, '.');
    for (const n of [1, 2, 3, 4, 5, 6]) client.send({ type: 'message', id: `s${n}`, content: content(n) });
    await answered(client, 7);
    expect(refusals(client)).toHaveLength(1);
    const [error] = refusals(client);
    expect(error).toMatchObject({
      code: 'STEERING_QUEUE_FULL',
      terminal: false,
      limit: 131_072,
      depth: 120_000,
      id: expect.stringMatching(/^s\d$/),
    });
    client.send({ type: 'message', id: 'small', content: 'small' });
    await answered(client, 8);
    expect(acceptedIds(client)).toContain('small');

    gate.open();
    await end(client);
    const refused = error && 'id' in error ? `<large ${error.id?.slice(1)}>` : '';
    expect(model.prompt(2)).toHaveLength(8);
    expect(JSON.stringify(model.requests.map(({ body }) => body))).not.toContain(refused);
    expect(await stack.stored.everything()).not.toContain(refused);
  });

  it('P10: a refused message may be sent again under its id once there is room', async () => {
    const { client, model, gate } = await leasedTurn();
    for (let n = 1; n <= 64; n++) client.send({ type: 'message', id: `s${n}`, content: `steer ${n}` });
    await answered(client, 65);
    client.send({ type: 'message', id: 'again', content: 'once more' });
    await answered(client, 66);
    expect(refusals(client)).toMatchObject([{ code: 'STEERING_QUEUE_FULL', id: 'again' }]);
    gate.open();
    await end(client);
    client.send({ type: 'message', id: 'again', content: 'once more' });
    expect(await end(client, 2)).toMatchObject({ type: 'done', full_response: 'later' });
    expect(model.prompt(3).filter((line) => line === 'user: once more')).toHaveLength(1);
  });
});
