import { expect, it } from 'vitest';
import { accepted, appliedIds, cancelled, chunk, end, endsOf, refused } from '../support/frames.ts';
import { createGate } from '../support/model-server.ts';
import { givenStack } from '../support/stack.ts';

/** Content that is longer than what a lane holds. It is stored in items of its own while its message is pending. */

const stack = givenStack({ settings: { MIDTURN_INBOX_LIMIT: '4' } });

const longText = (name: string) => `text of ${name} `.repeat(200);

async function runningTurn() {
  const gate = createGate();
  const model = stack.script((_, index) => ({ chunks: index === 0 ? ['draft', gate] : [`answer ${index}`] }));
  const session = stack.newSession();
  const client = await stack.connect(session);
  client.send({ type: 'message', id: 'm1', content: longText('m1') });
  await chunk(client, 'draft');
  return { client, session, model, gate };
}

/** The session's items, as the table has them. */
const itemsOf = async (session: string) => {
  const items = JSON.parse(await stack.stored.everything()) as { pk: string; sk: string }[];
  return items.filter(({ pk }) => pk.endsWith(`#${session}`));
};
const contentsOf = async (session: string) =>
  (await itemsOf(session)).filter(({ sk }) => sk.startsWith('CONTENT#'));
/** Which of these messages have their text anywhere in the table. */
const storedOf = async (session: string, ids: readonly string[]) => {
  const text = JSON.stringify(await itemsOf(session));
  return ids.filter((id) => text.includes(`text of ${id}`));
};

it('P1 P10: is applied whole, once, and with the content of the first try', async () => {
  const { client, session, model, gate } = await runningTurn();
  client.send({ type: 'message', id: 'm2', content: longText('m2') });
  await accepted(client, 'm2');
  client.send({ type: 'message', id: 'm2', content: longText('another m2') });
  await client.waitFor((frame) => frame.type === 'accepted' && frame.duplicate === true);
  gate.open();
  await end(client);
  expect(appliedIds(client)).toEqual(['m1', 'm2']);
  expect(model.prompt(2).at(-1)).toBe(`user: ${longText('m2')}`);
  await expect.poll(() => contentsOf(session)).toEqual([]);
});

it('P2: is stored nowhere after it was cancelled', async () => {
  const { client, session, gate } = await runningTurn();
  client.send({ type: 'message', id: 'm2', content: longText('m2') });
  await accepted(client, 'm2');
  expect(await contentsOf(session)).toHaveLength(1);
  client.send({ type: 'cancel', id: 'm2' });
  await cancelled(client, 'm2');
  gate.open();
  await end(client);
  await stack.stored.transcript(session);
  expect(await storedOf(session, ['m1', 'm2'])).toEqual(['m1']);
});

it('P2: is stored nowhere after it was refused, or discarded by an abort', async () => {
  const { client, session } = await runningTurn();
  for (const id of ['m2', 'm3', 'm4', 'm5']) {
    const delivery = id === 'm5' ? 'queue' : 'steer';
    client.send({ type: 'message', id, content: longText(id), delivery });
    await accepted(client, id);
  }
  client.send({ type: 'message', id: 'm6', content: longText('m6') });
  await accepted(client, 'm6');
  client.send({ type: 'message', id: 'm7', content: longText('m7') });
  await refused(client, 'STEERING_QUEUE_FULL');
  await expect.poll(async () => (await contentsOf(session)).length).toBe(5);
  client.send({ type: 'abort', pending: 'discard' });
  await client.next('aborted');
  for (const id of ['m2', 'm3', 'm4', 'm5', 'm6']) await cancelled(client, id);
  await expect.poll(() => contentsOf(session)).toEqual([]);
  expect(await storedOf(session, ['m1', 'm2', 'm3', 'm4', 'm5', 'm6', 'm7'])).toEqual(['m1']);
});

it('P1: becomes the next turn when the running one is aborted', async () => {
  const { client, session, model } = await runningTurn();
  client.send({ type: 'message', id: 'm2', content: longText('m2') });
  client.send({ type: 'message', id: 'm3', content: longText('m3'), delivery: 'queue' });
  for (const id of ['m2', 'm3']) await accepted(client, id);
  client.send({ type: 'abort' });
  await client.waitFor(() => endsOf(client).length === 3);
  expect(appliedIds(client)).toEqual(['m1', 'm2', 'm3']);
  expect(model.prompt(3).at(-1)).toBe(`user: ${longText('m3')}`);
  await expect.poll(() => contentsOf(session)).toEqual([]);
});
