import { describe, expect, it } from 'vitest';
import { bytesOf, type Content } from '../../core/content.ts';
import { MAX_CONTENT_BYTES } from '../../protocol/limits.ts';
import { accepted, chunk, end, framesOf, refused } from '../support/frames.ts';
import { createGate } from '../support/model-server.ts';
import { givenStack } from '../support/stack.ts';

const stack = givenStack({ settings: { MIDTURN_INBOX_BYTES: '30000' } });

const cat: Content = [
  { type: 'text', text: ' what is  this?\n' },
  { type: 'image', url: 'https://images.test/cat.png?a=1#b' },
];

/** An image in the frame whose content has so many bytes as JSON. */
function inline(bytes: number): Content {
  const part = { type: 'image', media_type: 'image/webp', data: '' } as const;
  const text = { type: 'text', text: '' } as const;
  const room = bytes - bytesOf([part, text]);
  return [
    { ...part, data: 'A'.repeat(Math.floor(room / 4) * 4) },
    { ...text, text: 'x'.repeat(room % 4) },
  ];
}

it('P1 P6 P10: an image steers like a text, and is verbatim in applied, history and transcript, once', async () => {
  const gate = createGate();
  const model = stack.script([{ chunks: ['draft', gate] }, { chunks: [' final'] }]);
  const session = stack.newSession();
  const client = await stack.connect(session);
  client.send({ type: 'message', id: 'm1', content: 'first' });
  await chunk(client, 'draft');
  client.send({ type: 'message', id: 'm2', content: cat });
  expect(await accepted(client, 'm2')).toMatchObject({ placement: 'steering' });
  client.send({ type: 'message', id: 'm2', content: cat });
  await client.waitFor(() => framesOf(client, 'accepted').filter(({ id }) => id === 'm2').length === 2);
  gate.open();
  expect(await end(client)).toMatchObject({ type: 'done', full_response: 'draft final', steps: 2 });
  expect(model.prompt(2)).toEqual([
    'user: first',
    'assistant: draft',
    'user:  what is  this?\n [image https://images.test/cat.png?a=1#b]',
  ]);
  expect(framesOf(client, 'applied').flatMap(({ messages }) => messages)).toEqual([
    { id: 'm1', content: 'first' },
    { id: 'm2', content: cat },
  ]);
  for (const merged of [false, true]) {
    client.send({ type: 'history', merged });
    const { entries } = await client.next('history');
    expect(entries.filter(({ role }) => role === 'user')).toMatchObject([
      { content: 'first' },
      { content: cat },
    ]);
  }
  expect(await stack.stored.transcript(session)).toMatchObject([
    { role: 'user', content: 'first' },
    { role: 'assistant', content: 'draft' },
    { role: 'user', content: cat },
    { role: 'assistant', content: ' final' },
    { role: 'event' },
  ]);
});

it('P2: an image counts with all of its content; what is too large says that a URL would do, and is nowhere', async () => {
  stack.script([{ chunks: ['ok'] }]);
  const session = stack.newSession();
  const client = await stack.connect(session);
  client.send({ type: 'message', id: 'x1', content: inline(MAX_CONTENT_BYTES + 1) });
  const error = await refused(client, 'MESSAGE_TOO_LARGE');
  expect(error).toMatchObject({ id: 'x1', limit: MAX_CONTENT_BYTES, depth: MAX_CONTENT_BYTES + 1 });
  expect(error.message).toContain('URL');
  const fits = inline(MAX_CONTENT_BYTES);
  client.send({ type: 'message', id: 'm1', content: fits });
  await end(client);
  expect(await stack.stored.transcript(session)).toMatchObject([
    { content: fits },
    { content: 'ok' },
    { role: 'event' },
  ]);
});

it('P2: an image counts into the bytes that wait in a lane, and gives them back when it is withdrawn', async () => {
  const gate = createGate();
  stack.script([{ chunks: ['draft', gate] }, { chunks: [' final'] }]);
  const client = await stack.connect(stack.newSession());
  client.send({ type: 'message', id: 'm1', content: 'first' });
  await chunk(client, 'draft');
  const large = inline(20_000);
  client.send({ type: 'message', id: 'm2', content: large });
  await accepted(client, 'm2');
  client.send({ type: 'message', id: 'm3', content: large });
  expect(await refused(client, 'STEERING_QUEUE_FULL')).toMatchObject({
    id: 'm3',
    limit: 30_000,
    depth: 20_000,
  });
  client.send({ type: 'cancel', id: 'm2' });
  await client.next('cancelled');
  client.send({ type: 'message', id: 'm3', content: large });
  await accepted(client, 'm3');
  gate.open();
  await end(client);
  expect(framesOf(client, 'applied').flatMap(({ messages }) => messages.map(({ id }) => id))).toEqual([
    'm1',
    'm3',
  ]);
});

it('an image without a word is a message', async () => {
  const model = stack.script([{ chunks: ['ok'] }]);
  const client = await stack.connect(stack.newSession());
  client.send({
    type: 'message',
    content: [
      { type: 'text', text: ' ' },
      { type: 'image', url: 'https://images.test/a' },
    ],
  });
  expect(await end(client)).toMatchObject({ full_response: 'ok' });
  expect(model.prompt(1)).toEqual(['user: [image https://images.test/a]']);
});

describe('where image URLs are switched off', () => {
  const closed = givenStack({ settings: { MIDTURN_IMAGE_URLS: 'false' } });

  it('P2: a message with one is refused and stored nowhere; an image in the frame is taken', async () => {
    closed.script([{ chunks: ['seen'] }]);
    const session = closed.newSession();
    const client = await closed.connect(session);
    client.send({ type: 'message', id: 'm1', content: cat });
    expect(await refused(client, 'INVALID_FRAME')).toMatchObject({ id: 'm1', terminal: false });
    client.send({ type: 'message', id: 'm2', content: inline(2_000) });
    expect(await end(client)).toMatchObject({ type: 'done', full_response: 'seen' });
    expect(await closed.stored.everything()).not.toContain('images.test');
  });
});
