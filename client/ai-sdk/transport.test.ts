import { Chat } from '@ai-sdk/react';
import type { ChatStatus } from 'ai';
import { afterEach, expect, it } from 'vitest';
import { createGate } from '../../test/support/model-server.ts';
import { givenStack } from '../../test/support/stack.ts';
import { MidturnError } from '../errors.ts';
import { MidturnChatTransport } from './transport.ts';
import type { MidturnUIMessage } from './ui-message.ts';

const stack = givenStack();
const opened: MidturnChatTransport[] = [];
afterEach(() => {
  for (const transport of opened.splice(0)) transport.close();
});

/** A page: what `useChat` gives, without React. */
async function openPage(id: string) {
  const sent: { type: string; options?: unknown }[] = [];
  const transport = new MidturnChatTransport({
    url: stack.cloud.url,
    onFrame: (direction, text) => {
      if (direction === 'out') sent.push(JSON.parse(text));
    },
  });
  opened.push(transport);
  const data: MidturnUIMessage['parts'][number][] = [];
  const chat = new Chat<MidturnUIMessage>({
    id,
    transport,
    messages: await transport.messages(id),
    onData: (part) => data.push(part),
  });
  const statuses: ChatStatus[] = [];
  chat['~registerStatusCallback'](() => statuses.push(chat.status));
  /** What stands there, in the words of the stored transcript. */
  const lines = () => chat.messages.flatMap(linesOf);
  const shows = (...expected: string[]) => expect.poll(lines).toEqual(expected);
  /** Until so many messages were acknowledged. */
  const acknowledges = (messages: number) =>
    expect
      .poll(() => data.filter((part) => part.type === 'data-message-state' && part.data.status !== 'applied'))
      .toHaveLength(messages);
  return { chat, transport, acknowledges, statuses, lines, shows, sent };
}

function linesOf({ role, parts }: MidturnUIMessage): string[] {
  return parts.flatMap((part): string[] => {
    if (part.type === 'text') return [`${role}: ${part.text}`];
    if (part.type === 'reasoning') return [`thinking: ${part.text}`];
    if (part.type === 'steering-message') {
      return [`user: ${part.parts.map((one) => (one.type === 'text' ? one.text : '')).join('')}`];
    }
    if ('toolCallId' in part) {
      const name = part.type.slice('tool-'.length);
      const isOver = part.state === 'output-available' || part.state === 'output-error';
      return isOver ? [`tool_call: ${name}`, `tool_result: ${name}`] : [`tool_call: ${name}`];
    }
    return [];
  });
}

it('a turn with thinking, a tool and text is the library’s own message, with the turn’s usage', async () => {
  stack.script([
    {
      thinking: ['hm'],
      chunks: ['Let me see.'],
      toolCalls: [{ name: 'current_time', args: { zone: 'UTC' }, id: 'c1' }],
    },
    { chunks: ['It is ', 'late.'] },
  ]);
  const session = stack.newSession();
  const { chat, statuses } = await openPage(session);
  await chat.sendMessage({ text: 'first' });
  expect(chat.messages.map(({ role }) => role)).toEqual(['user', 'assistant']);
  const [, answer] = chat.messages;
  expect(answer?.parts.filter(({ type }) => type !== 'data-message-state')).toMatchObject([
    { type: 'step-start' },
    { type: 'reasoning', text: 'hm', state: 'done' },
    { type: 'text', text: 'Let me see.', state: 'done' },
    { type: 'tool-current_time', toolCallId: 'c1', state: 'output-available', input: { zone: 'UTC' } },
    { type: 'step-start' },
    { type: 'text', text: 'It is late.', state: 'done' },
  ]);
  expect(answer?.parts[0]).toMatchObject({
    type: 'data-message-state',
    data: { status: 'applied', step: 1 },
  });
  expect(answer?.metadata).toMatchObject({ usage: { inputTokens: 20, outputTokens: 10, steps: 2 } });
  expect(statuses).toEqual(['submitted', 'streaming', 'ready']);
});

it('a message sent while the answer streams steers it: the answer goes on below the message', async () => {
  const gate = createGate();
  stack.script([{ chunks: ['draft', gate, ' ends'] }, { chunks: ['final answer'] }]);
  const session = stack.newSession();
  const { chat, lines, shows, statuses, acknowledges } = await openPage(session);
  const first = chat.sendMessage({ text: 'first' });
  await shows('user: first', 'assistant: draft');
  const second = chat.sendMessage({ text: 'second' });
  await acknowledges(2);
  await shows('user: first', 'assistant: draft', 'user: second');
  gate.open();
  await Promise.all([first, second]);
  expect(lines()).toEqual([
    'user: first',
    'assistant: draft ends',
    'user: second',
    'assistant: final answer',
  ]);
  expect(lines()).toEqual(await stack.stored.lines(session));
  // Never ready before both are answered.
  expect(statuses.indexOf('ready')).toBe(statuses.length - 1);
  const [, , , answer] = chat.messages;
  expect(answer?.parts).toContainEqual(
    expect.objectContaining({
      type: 'data-message-state',
      data: expect.objectContaining({ status: 'applied', step: 2 }),
    }),
  );
});

it('what another device says stands in the answer, where it was taken in', async () => {
  const gate = createGate();
  stack.script([{ chunks: ['draft', gate] }, { chunks: ['final answer'] }]);
  const session = stack.newSession();
  const { chat, transport, lines, shows } = await openPage(session);
  const first = chat.sendMessage({ text: 'first' });
  await shows('user: first', 'assistant: draft');
  transport.client(session).send('second');
  await expect
    .poll(() => transport.client(session).transcript.getSnapshot().pending[0]?.state.status)
    .toBe('accepted');
  gate.open();
  await first;
  expect(chat.messages).toHaveLength(2);
  expect(lines()).toEqual(['user: first', 'assistant: draft', 'user: second', 'assistant: final answer']);
});

it('a page that reloads in mid-answer shows what was said and goes on; without a turn there is nothing to resume', async () => {
  const gate = createGate();
  const last = createGate();
  stack.script([{ chunks: ['draft', gate] }, { chunks: ['final', last, ' answer'] }]);
  const session = stack.newSession();
  const before = await openPage(session);
  await before.chat.resumeStream();
  expect(before.chat.status).toBe('ready');
  before.chat.sendMessage({ text: 'first' });
  await before.shows('user: first', 'assistant: draft');
  before.chat.sendMessage({ text: 'second' });
  await before.acknowledges(2);
  gate.open();
  await before.shows('user: first', 'assistant: draft', 'user: second', 'assistant: final');
  before.transport.close();

  const after = await openPage(session);
  const resumed = after.chat.resumeStream();
  await after.shows('user: first', 'assistant: draft', 'user: second', 'assistant: final');
  expect(after.chat.messages.map(({ id }) => id)).toEqual(before.chat.messages.map(({ id }) => id));
  last.open();
  await resumed;
  expect(after.lines()).toEqual([
    'user: first',
    'assistant: draft',
    'user: second',
    'assistant: final answer',
  ]);
  expect(after.chat.status).toBe('ready');
  // Live, resumed or loaded: where each message was taken in.
  const steps = ({ messages }: typeof after.chat) =>
    messages.flatMap(({ parts }) =>
      parts.flatMap((part) =>
        part.type === 'data-message-state' && part.data.status === 'applied' ? [part.data.step] : [],
      ),
    );
  expect([steps(before.chat), steps(after.chat)]).toEqual([
    [1, 2],
    [1, 2],
  ]);
  const later = await openPage(session);
  expect(later.lines()).toEqual(after.lines());
});

it('stop of a resumed answer stops the turn; a page that leaves before it is resumed does not', async () => {
  const gate = createGate();
  stack.script([{ chunks: ['half', gate, ' and on', createGate()] }]);
  const session = stack.newSession();
  const before = await openPage(session);
  before.chat.sendMessage({ text: 'first' });
  await before.shows('user: first', 'assistant: half');
  const after = await openPage(session);
  const left = after.chat.resumeStream();
  await after.chat.stop();
  await left;
  const resumed = after.chat.resumeStream();
  await after.shows('user: first', 'assistant: half');
  gate.open();
  await after.shows('user: first', 'assistant: half and on');
  await after.chat.stop();
  await resumed;
  expect(await stack.stored.lines(session)).toEqual(['user: first', 'assistant: half and on']);
});

it('images go along as files, and stand there again after a reload', async () => {
  const model = stack.script([{ chunks: ['a cat'] }]);
  const session = stack.newSession();
  const { chat, transport } = await openPage(session);
  const files = [
    { type: 'file' as const, mediaType: 'image/png', url: 'https://images.test/cat.png' },
    { type: 'file' as const, mediaType: 'image/gif', url: 'data:image/gif;base64,R0lGODlh' },
  ];
  await chat.sendMessage({ text: 'what is this?', files });
  expect(model.prompt(1)).toEqual([
    'user: [image https://images.test/cat.png] [image data:image/gif;base64,R0lGODlh] what is this?',
  ]);
  expect((await stack.stored.transcript(session))[0]).toMatchObject({
    content: [
      { type: 'image', url: 'https://images.test/cat.png' },
      { type: 'image', media_type: 'image/gif', data: 'R0lGODlh' },
      { type: 'text', text: 'what is this?' },
    ],
  });
  const [message] = await transport.messages(session);
  expect(message?.parts).toEqual([
    { type: 'file', mediaType: 'image', url: 'https://images.test/cat.png' },
    files[1],
    { type: 'text', text: 'what is this?' },
  ]);
});

it('stop ends the turn, keeps what was said, and begins no other answer', async () => {
  stack.script([{ chunks: ['half', createGate(), ' never said'] }, { chunks: ['whole'] }]);
  const session = stack.newSession();
  const { chat, shows, acknowledges } = await openPage(session);
  const first = chat.sendMessage({ text: 'first' });
  await shows('user: first', 'assistant: half');
  const second = chat.sendMessage({ text: 'second' });
  await acknowledges(2);
  await chat.stop();
  await Promise.all([first, second]);
  expect(chat.status).toBe('ready');
  expect(await stack.stored.lines(session)).toEqual(['user: first', 'assistant: half']);
  await chat.sendMessage({ text: 'again' });
  expect((await stack.stored.lines(session)).slice(2)).toEqual(['user: again', 'assistant: whole']);
});

it('a turn that fails keeps what it said; the chat’s error says why, and one can go on', async () => {
  stack.script([{ chunks: ['half'], cutAfter: 1 }, { chunks: ['whole'] }]);
  const { chat, lines } = await openPage(stack.newSession());
  await chat.sendMessage({ text: 'first' });
  expect(chat.status).toBe('error');
  expect(chat.error?.message).not.toBe('');
  expect(chat.messages[1]?.parts.at(-1)).toMatchObject({
    type: 'data-failure',
    data: { code: 'PROVIDER_ERROR' },
  });
  await chat.sendMessage({ text: 'again' });
  expect(lines()).toEqual(['user: first', 'assistant: half', 'user: again', 'assistant: whole']);
});

it('the body’s `options` are the call options of the message', async () => {
  stack.script([{ chunks: ['answer'] }]);
  const { chat, lines, sent } = await openPage(stack.newSession());
  await chat.sendMessage({ text: 'first' }, { body: { options: { tone: 'short' } } });
  expect(lines()).toEqual(['user: first', 'assistant: answer']);
  expect(sent.filter(({ type }) => type === 'message')).toMatchObject([{ options: { tone: 'short' } }]);
});

it('a queued message has a turn of its own, and the chat is busy until both are answered', async () => {
  const gate = createGate();
  stack.script([{ chunks: ['draft', gate] }, { chunks: ['second answer'] }]);
  const session = stack.newSession();
  const { chat, lines, shows, statuses, acknowledges } = await openPage(session);
  const first = chat.sendMessage({ text: 'first' });
  await shows('user: first', 'assistant: draft');
  const second = chat.sendMessage({ text: 'second' }, { body: { delivery: 'queue' } });
  await acknowledges(2);
  gate.open();
  await Promise.all([first, second]);
  expect(lines()).toEqual(['user: first', 'assistant: draft', 'user: second', 'assistant: second answer']);
  expect(statuses.indexOf('ready')).toBe(statuses.length - 1);
});

it.each<[string, (chat: Chat<MidturnUIMessage>) => Promise<void>]>([
  [
    'a file that is no image',
    (chat) => chat.sendMessage({ files: [{ type: 'file', mediaType: 'a/b', url: 'data:,' }] }),
  ],
  ['a list of options', (chat) => chat.sendMessage({ text: 'second' }, { body: { options: ['short'] } })],
  [
    'an image by http',
    (chat) => chat.sendMessage({ files: [{ type: 'file', mediaType: 'image/png', url: 'http://a.test/b' }] }),
  ],
])('%s is refused in words: the transcript only grows', async (_, attempt) => {
  stack.script([{ chunks: ['answer'] }]);
  const session = stack.newSession();
  const { chat } = await openPage(session);
  await chat.sendMessage({ text: 'first' });
  await attempt(chat);
  expect(chat.error).toBeInstanceOf(MidturnError);
  expect(chat.error).toMatchObject({ code: 'UNSUPPORTED' });
  expect(await stack.stored.lines(session)).toEqual(['user: first', 'assistant: answer']);
});
