import { expect, it } from 'vitest';
import { wordsOf } from '../../core/content.ts';
import { appliedIds, chunk, end, framesOf } from '../support/frames.ts';
import { createGate } from '../support/model-server.ts';
import { givenStack } from '../support/stack.ts';
import type { WsClient } from '../support/ws-client.ts';

const stack = givenStack();

const COUNT = 20;
const numbers = Array.from({ length: COUNT }, (_, i) => i + 1);

interface Sending {
  id: string;
  order?: number;
}

/** Ids that say nothing of the order: the client's own count does. */
const counted = (n: number): Sending => ({ id: `${(n * 7919) % 1000}-${n}`, order: n });
/** Without a count, ids that rise. */
const numbered = (n: number): Sending => ({ id: `message-${n}` });

it.each([
  ['by the client’s own count', counted],
  ['by rising ids', numbered],
])(
  'P6: 20 messages sent back to back to a running turn are in its next prompt in the order sent, %s',
  async (_, naming) => {
    const gate = createGate();
    const model = stack.script([{ chunks: ['draft', gate] }, { chunks: ['.'] }]);
    const client = await stack.connect(stack.newSession());
    client.send({ type: 'message', content: 'first', ...naming(0), id: 'first' });
    await chunk(client, 'draft');
    for (const n of numbers) client.send({ type: 'message', content: `text ${n}`, ...naming(n) });
    await client.waitFor(() => framesOf(client, 'accepted').length === COUNT + 1);
    gate.open();
    await end(client);
    expect(model.prompt(2)).toEqual([
      'user: first',
      'assistant: draft',
      ...numbers.map((n) => `user: text ${n}`),
    ]);
  },
);

/** Starts as many environments as the functions may have: a message shall not wait for one to start. */
async function warmUp(client: WsClient): Promise<void> {
  for (const nonce of numbers) client.send({ type: 'ping', nonce });
  await client.waitFor(() => framesOf(client, 'pong').length === COUNT);
}

/** Sends all to an idle session: the first opens a turn while the others are still on their way. */
async function burst(naming: (n: number) => Sending) {
  const model = stack.script(() => ({ chunks: ['ok'] }));
  const session = stack.newSession();
  const client = await stack.connect(session);
  await warmUp(client);
  for (const n of numbers) client.send({ type: 'message', content: `text ${n}`, ...naming(n) });
  await client.waitFor(() => appliedIds(client).length === COUNT);
  const isUser = (line: string) => line.startsWith('user: ');
  const stored = (await stack.stored.lines(session)).filter(isUser);
  expect(model.prompt(model.requests.length).filter(isUser)).toEqual(stored);
  return { client, stored };
}

const sent = numbers.map((n) => `user: text ${n}`);

it('P1 P6: 20 messages sent back to back to an idle session are taken in in the order sent, by the client’s own count', async () => {
  expect((await burst(counted)).stored).toEqual(sent);
});

it('P1 P6: without a count none is lost or doubled, and what is taken in together is in the order sent', async () => {
  const { client, stored } = await burst(numbered);
  expect(stored.toSorted()).toEqual(sent.toSorted());
  for (const { messages } of framesOf(client, 'applied')) {
    const order = messages.map(({ content }) =>
      numbers.indexOf(Number(wordsOf(content).replace('text ', ''))),
    );
    expect(order).toEqual(order.toSorted((a, b) => a - b));
  }
});
