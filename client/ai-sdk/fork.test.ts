import { Chat } from '@ai-sdk/react';
import type { ChatStatus } from 'ai';
import { afterEach, expect, it } from 'vitest';
import { pdf } from '../../test/support/files.ts';
import { createGate } from '../../test/support/model-server.ts';
import { givenStack } from '../../test/support/stack.ts';
import { MidturnChatTransport, type MidturnFork } from './transport.ts';
import type { MidturnUIMessage } from './ui-message.ts';

const stack = givenStack({ settings: { MIDTURN_FILE_BYTES: '60000' } });
const opened: MidturnChatTransport[] = [];
afterEach(() => {
  for (const transport of opened.splice(0)) transport.close();
});

const textIn = ({ parts }: MidturnUIMessage) =>
  parts.map((part) => (part.type === 'text' ? part.text : '')).join('');
const linesOf = (messages: MidturnUIMessage[]) =>
  messages.map((message) => `${message.role}: ${textIn(message)}`);

/** A page that is on a session, or on a fork of it once a message is edited or answered again. */
async function openPage(id: string) {
  const forks: MidturnFork[] = [];
  const transport = new MidturnChatTransport({
    url: stack.cloud.url,
    onFork: (fork) => forks.push(fork),
  });
  opened.push(transport);
  const chat = new Chat<MidturnUIMessage>({
    id,
    transport,
    messages: await transport.messages(id),
    onFinish: ({ isAbort }) => {
      if (isAbort) chat.resumeStream();
    },
  });
  const statuses: ChatStatus[] = [];
  chat['~registerStatusCallback'](() => statuses.push(chat.status));
  const lines = () => linesOf(chat.messages);
  const shows = (...expected: string[]) => expect.poll(lines).toEqual(expected);
  /** What a page shows that opens this session now. */
  const reloaded = async (session: string) => {
    const another = new MidturnChatTransport({ url: stack.cloud.url });
    opened.push(another);
    return another.messages(session);
  };
  return { chat, transport, forks, statuses, lines, shows, reloaded };
}

const dataUrl = (size: number) => ({
  type: 'file' as const,
  mediaType: 'application/pdf',
  url: `data:application/pdf;base64,${pdf(size).toString('base64')}`,
});

const stored = (session: string) => stack.stored.lines(session);

it('regenerate() answers the message again in a new session, where the chat goes on; the first session stays as it is', async () => {
  stack.script(['One.', 'Two.', 'Two again.', 'Three.'].map((text) => ({ chunks: [text] })));
  const session = stack.newSession();
  const { chat, forks, lines, reloaded } = await openPage(session);
  await chat.sendMessage({ text: 'first' });
  await chat.sendMessage({ text: 'second' });
  const before = await stored(session);
  const ids = chat.messages.map(({ id }) => id);
  await chat.regenerate();
  const [fork] = forks;
  expect(fork).toEqual({ chatId: session, from: session, to: expect.any(String), before: ids[2] });
  expect(lines()).toEqual(['user: first', 'assistant: One.', 'user: second', 'assistant: Two again.']);
  expect(chat.messages.map(({ id }) => id)).toEqual(ids);
  expect(chat.status).toBe('ready');
  await chat.sendMessage({ text: 'third' });
  expect(lines().slice(4)).toEqual(['user: third', 'assistant: Three.']);
  expect(await stored(fork?.to ?? '')).toEqual(lines());
  expect(await stored(session)).toEqual(before);
  expect(await reloaded(fork?.to ?? '')).toEqual(chat.messages);
  expect(linesOf(await reloaded(session))).toEqual(before);
});

it('an edited message begins a new session too, and a fork can be forked; the first session can be shown again', async () => {
  stack.script(['One.', 'Two.', 'Else.', 'Other.'].map((text) => ({ chunks: [text] })));
  const session = stack.newSession();
  const { chat, transport, forks, lines } = await openPage(session);
  await chat.sendMessage({ text: 'first' });
  await chat.sendMessage({ text: 'second' });
  const [first] = chat.messages;
  const left = transport.client(session);
  await chat.sendMessage({ text: 'something else', messageId: first?.id ?? '' });
  expect(lines()).toEqual(['user: something else', 'assistant: Else.']);
  await chat.sendMessage({ text: 'another', messageId: first?.id ?? '' });
  expect(lines()).toEqual(['user: another', 'assistant: Other.']);
  expect(forks.map(({ from }) => from)).toEqual([session, forks[0]?.to]);
  expect(transport.client(session).sessionId).toBe(forks[1]?.to);
  // A session that no chat shows has no connection any more.
  expect(left.transcript.getSnapshot().connection.status).toBe('closed');
  expect(await stored(forks[0]?.to ?? '')).toEqual(['user: something else', 'assistant: Else.']);
  expect(linesOf(await transport.messages(session))).toEqual([
    'user: first',
    'assistant: One.',
    'user: second',
    'assistant: Two.',
  ]);
  expect(transport.client(session).sessionId).toBe(session);
});

it('an edit while the answer streams: nothing of the first session is shown any more, and its turn goes on there', async () => {
  const gate = createGate();
  const last = createGate();
  stack.script([
    { chunks: ['One', gate, ' and a half.'] },
    { chunks: ['Else', last, '.'] },
    { chunks: ['Last.'] },
  ]);
  const session = stack.newSession();
  const { chat, forks, statuses, shows } = await openPage(session);
  const sent = chat.sendMessage({ text: 'first' });
  await shows('user: first', 'assistant: One');
  const edited = chat.sendMessage({ text: 'something else', messageId: chat.messages[0]?.id ?? '' });
  // Two messages that are under way at once may open the turn in either order.
  await shows('user: something else', 'assistant: Else');
  // What is said meanwhile is said to the new session.
  const next = chat.sendMessage({ text: 'and more' }, { body: { delivery: 'queue' } });
  await shows('user: something else', 'assistant: Else', 'user: and more', 'assistant: ');
  gate.open();
  await expect.poll(() => stored(session)).toEqual(['user: first', 'assistant: One and a half.']);
  expect(statuses).not.toContain('ready');
  last.open();
  await Promise.all([sent, edited, next]);
  await shows('user: something else', 'assistant: Else.', 'user: and more', 'assistant: Last.');
  expect(statuses.indexOf('ready')).toBeGreaterThan(statuses.lastIndexOf('streaming'));
  expect(await stored(forks[0]?.to ?? '')).toEqual(chat.messages.map((one) => linesOf([one])[0]));
  expect(await stored(session)).toEqual(['user: first', 'assistant: One and a half.']);
});

it('stop() and a reload in mid-answer are about the new session', async () => {
  const gate = createGate();
  stack.script([{ chunks: ['One.'] }, { chunks: ['Again', gate, ' and on', createGate()] }]);
  const session = stack.newSession();
  const { chat, forks, shows } = await openPage(session);
  await chat.sendMessage({ text: 'first' });
  void chat.regenerate();
  await shows('user: first', 'assistant: Again');
  const to = forks[0]?.to ?? '';
  const after = await openPage(to);
  const resumed = after.chat.resumeStream();
  await after.shows('user: first', 'assistant: Again');
  gate.open();
  await after.shows('user: first', 'assistant: Again and on');
  await shows('user: first', 'assistant: Again and on');
  await chat.stop();
  await resumed;
  await expect.poll(() => chat.status).toBe('ready');
  expect(await stored(to)).toEqual(['user: first', 'assistant: Again and on']);
  expect(await stored(session)).toEqual(['user: first', 'assistant: One.']);
});

it('P1: stop() before the new session is there withdraws the message, and says so', async () => {
  stack.script([{ chunks: ['One.'] }, { chunks: ['Again', createGate()] }]);
  const session = stack.newSession();
  const { chat, forks, lines } = await openPage(session);
  await chat.sendMessage({ text: 'first' });
  const again = chat.regenerate();
  await expect.poll(() => chat.status).toBe('submitted');
  await chat.stop();
  await again;
  const fates = () =>
    chat.messages.flatMap(({ parts }) =>
      parts.flatMap((part) => (part.type === 'data-message-state' ? [part.data.status] : [])),
    );
  await expect.poll(fates).toEqual(['cancelled']);
  await expect.poll(() => chat.status).toBe('ready');
  expect(lines()).toEqual(['user: first', 'assistant: ']);
  expect(await stored(forks[0]?.to ?? '')).toEqual([]);
  expect(await stored(session)).toEqual(['user: first', 'assistant: One.']);
});

it('a message with a file that was uploaded is answered again, and edited with another file, in a fork that has both', async () => {
  const model = stack.script(['One.', 'Again.', 'Else.'].map((text) => ({ chunks: [text] })));
  const session = stack.newSession();
  const { chat, forks } = await openPage(session);
  // As a data URL, it is larger than a message can be.
  await chat.sendMessage({ text: 'first', files: [dataUrl(50_000)] });
  await chat.regenerate();
  await chat.sendMessage({ text: 'else', files: [dataUrl(40_000)], messageId: chat.messages[0]?.id ?? '' });
  expect(chat.error).toBeUndefined();
  const bytes = [50_000, 50_000, 40_000].map((size) => pdf(size).toString('base64'));
  for (const [i, data] of bytes.entries()) expect(model.prompt(i + 1).join()).toContain(data);
  expect(await stored(forks[0]?.to ?? '')).toHaveLength(2);
  expect(await stored(forks[1]?.to ?? '')).toHaveLength(2);
});

it('P3: where no session goes on, all that was said stays on screen', async () => {
  stack.script([{ chunks: ['One.'] }, { chunks: ['Two.'] }]);
  const session = stack.newSession();
  const { chat, transport, forks, lines } = await openPage(session);
  await chat.sendMessage({ text: 'first' });
  await chat.sendMessage({ text: 'second' });
  const all = lines();
  const listed = async () => {
    const page = await transport.client(session).sessions.list({ limit: 100 });
    return page.sessions.map(({ sessionId }) => sessionId);
  };
  const sessions = await listed();
  const file = dataUrl(60_001);
  await chat.sendMessage({ files: [file], messageId: chat.messages[2]?.id ?? '' });
  expect(chat.error?.message).toContain('at most 60000 are accepted');
  // The fork that was made for it is gone.
  expect(await listed()).toEqual(sessions);
  expect(lines().filter((line) => line !== 'user: ')).toEqual(all.filter((line) => line !== 'user: second'));
  // The transcript does not have the message.
  chat.messages = await transport.messages(session);
  const answer = chat.messages[1]?.id ?? '';
  chat.messages = chat.messages.map((one, at) => (at === 0 ? { ...one, id: 'unknown' } : one));
  await chat.regenerate({ messageId: answer });
  expect(chat.error?.message).toBe('The session has no such message of a user.');
  expect(textIn(chat.messages[1] as MidturnUIMessage)).toContain('Two.');
  expect(forks).toEqual([]);
  expect(await stored(session)).toEqual(all);
});
