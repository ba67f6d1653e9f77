import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Chat } from '@ai-sdk/react';
import type { ToolUIPart } from 'ai';
import { afterAll, afterEach, expect, it, vi } from 'vitest';
import { buildVariant } from '../../test/conformance/variant-bundles.ts';
import { createGate } from '../../test/support/model-server.ts';
import { givenStack } from '../../test/support/stack.ts';
import { WAIT_MS } from '../../test/support/timeouts.ts';
import { MidturnChatTransport, type MidturnChatTransportOptions } from './transport.ts';
import type { MidturnUIMessage } from './ui-message.ts';

/** An agent whose tool asks first. */
const AGENT = `
import { tool } from 'ai';
import { defineAgent } from 'midturn/agent';
import { z } from 'zod';

const pay = tool({
  description: 'Pays.',
  inputSchema: z.object({ account: z.string() }),
  execute: ({ account }) => account + ' is paid',
});

export const agent = defineAgent({
  instructions: 'Answer briefly.',
  tools: { pay: { tool: pay, needsApproval: true } },
});
`;

const folder = join(import.meta.dirname, '../../dist/agent-of-kits');
afterAll(() => rm(folder, { recursive: true, force: true, maxRetries: 10 }));
const stack = givenStack({
  bundles: () => buildVariant({ files: { 'agent/agent.ts': AGENT } }, folder),
  settings: { MIDTURN_INBOX_LIMIT: '1' },
});
const opened: MidturnChatTransport[] = [];
afterEach(() => {
  for (const transport of opened.splice(0)) transport.close();
});

/** A page as client/README.md says. */
async function openPage(id: string, onFork?: MidturnChatTransportOptions['onFork']) {
  const transport = new MidturnChatTransport({ url: stack.cloud.url, ...(onFork && { onFork }) });
  opened.push(transport);
  const chat = new Chat<MidturnUIMessage>({
    id,
    transport,
    messages: await transport.messages(id),
    onFinish: ({ isAbort }) => {
      if (isAbort) chat.resumeStream();
    },
  });
  transport.attach(chat);
  const parts = () => chat.messages.flatMap((message) => message.parts);
  const texts = () =>
    chat.messages.flatMap(({ role, parts }) =>
      parts.flatMap((part) => {
        if (part.type === 'text') return [`${role}: ${part.text}`];
        if (part.type === 'steering-message') {
          return part.parts.map((one) => `user: ${one.type === 'text' ? one.text : ''}`);
        }
        return [];
      }),
    );
  const shows = (...expected: string[]) => expect.poll(texts).toEqual(expected);
  const call = () => parts().find((part): part is ToolUIPart => part.type === 'tool-pay');
  /** The id of the request, as kits find it. */
  const asks = () =>
    vi.waitUntil(
      () => {
        const part = call();
        return part && 'approval' in part && part.state === 'approval-requested' && part.approval.id;
      },
      { timeout: WAIT_MS },
    );
  /** Until the server has this message, which waits for its turn. */
  const isKept = (text: string) =>
    expect
      .poll(() => {
        const { pending } = transport.client(id).transcript.getSnapshot();
        return pending.find(({ content }) => content === text)?.state.status;
      })
      .toMatch(/^(accepted|queued)$/);
  /** What became of messages that were not taken in. */
  const fates = () =>
    parts().flatMap((part) =>
      part.type === 'data-message-state' && part.data.status !== 'applied'
        ? [`${part.data.status} ${'code' in part.data ? part.data.code : ''}`.trim()]
        : [],
    );
  return { chat, transport, texts, shows, call, asks, fates, isKept };
}

const PAY = { name: 'pay', args: { account: 'rent' }, id: 'c1' };

it.each([
  [true, { state: 'output-available', output: 'rent is paid', approval: { approved: true } }],
  [false, { state: 'output-denied', approval: { approved: false } }],
] as const)(
  'a call asks as the library’s own part; its answer (approved: %s) goes to the server, and looks the same after a reload',
  async (approved, expected) => {
    stack.script([{ toolCalls: [PAY] }, { chunks: ['Done.'] }]);
    const session = stack.newSession();
    const { chat, asks, call, shows } = await openPage(session);
    const sent = chat.sendMessage({ text: 'pay' });
    const id = await asks();
    const waiting = await openPage(session);
    expect(await waiting.asks()).toBe(id);
    await chat.addToolApprovalResponse({ id, approved });
    await sent;
    expect(call()).toMatchObject({ ...expected, input: { account: 'rent' } });
    await shows('user: pay', 'assistant: Done.');
    const later = await openPage(session);
    expect(later.chat.messages).toEqual(chat.messages);
  },
);

it('an answer of another page is shown here: the request is resolved', async () => {
  stack.script([{ toolCalls: [PAY] }, { chunks: ['Done.'] }]);
  const session = stack.newSession();
  const here = await openPage(session);
  const sent = here.chat.sendMessage({ text: 'pay' });
  await here.asks();
  const there = await openPage(session);
  await there.chat.addToolApprovalResponse({ id: await there.asks(), approved: true });
  await sent;
  expect(here.call()).toMatchObject({ state: 'output-available', approval: { approved: true } });
});

it('an idle page shows the turns of another one live, each once, and goes on itself', async () => {
  const gate = createGate();
  stack.script([{ chunks: ['one', gate, ' and on'] }, { chunks: ['two'] }, { chunks: ['three'] }]);
  const session = stack.newSession();
  const here = await openPage(session);
  const there = await openPage(session);
  const first = here.chat.sendMessage({ text: 'first' });
  await there.shows('user: first', 'assistant: one');
  expect(there.chat.status).toBe('streaming');
  gate.open();
  await first;
  await there.shows('user: first', 'assistant: one and on');
  await expect.poll(() => there.chat.status).toBe('ready');
  await here.chat.sendMessage({ text: 'second' });
  await there.shows('user: first', 'assistant: one and on', 'user: second', 'assistant: two');
  await expect.poll(() => there.chat.status).toBe('ready');
  await there.chat.sendMessage({ text: 'third' });
  const all = [
    'user: first',
    'assistant: one and on',
    'user: second',
    'assistant: two',
    'user: third',
    'assistant: three',
  ];
  expect(there.texts()).toEqual(all);
  await here.shows(...all);
});

it.each([1, 2])(
  'a page that queues a message behind %i turns of other clients shows them too, after its own answer',
  async (count) => {
    const gate = createGate();
    const theirs = ['one', 'two'].slice(0, count);
    stack.script([
      { chunks: ['mine', gate] },
      ...theirs.map((word) => ({ chunks: [`answer to ${word}`] })),
      { chunks: ['mine again'] },
    ]);
    const session = stack.newSession();
    const here = await openPage(session);
    const sent = [here.chat.sendMessage({ text: 'first' })];
    await here.shows('user: first', 'assistant: mine');
    for (const text of theirs) {
      // Of a lane, one message can wait here.
      const there = await openPage(session);
      there.transport.client(session).send(text, { delivery: 'queue' });
      await there.isKept(text);
    }
    sent.push(here.chat.sendMessage({ text: 'last' }, { body: { delivery: 'queue' } }));
    await here.isKept('last');
    gate.open();
    await Promise.all(sent);
    const own = ['user: first', 'assistant: mine', 'user: last', 'assistant: mine again'];
    const others = theirs.flatMap((word) => [`user: ${word}`, `assistant: answer to ${word}`]);
    await here.shows(...own, ...others);
    await expect.poll(() => here.chat.status).toBe('ready');
  },
);

it('P1: a refused steering message keeps its refusal, which the next stream does not take away', async () => {
  const gate = createGate();
  stack.script([{ chunks: ['draft', gate] }, { chunks: ['final'] }]);
  const { chat, transport, shows, fates } = await openPage(stack.newSession());
  const sent = [chat.sendMessage({ text: 'first' })];
  await shows('user: first', 'assistant: draft');
  const client = transport.client(chat.id);
  sent.push(chat.sendMessage({ text: 'second' }));
  await expect
    .poll(() => client.transcript.getSnapshot().pending.map(({ state }) => state.status))
    .toEqual(['accepted']);
  sent.push(chat.sendMessage({ text: 'third' }));
  await expect.poll(fates).toEqual(['rejected STEERING_QUEUE_FULL']);
  gate.open();
  await Promise.all(sent);
  await shows('user: first', 'assistant: draft', 'user: second', 'assistant: final', 'user: third');
  expect(fates()).toEqual(['rejected STEERING_QUEUE_FULL']);
});

it('P1: a message that a stop withdraws is told as cancelled', async () => {
  stack.script([{ chunks: ['half', createGate()] }]);
  const { chat, transport, shows, fates } = await openPage(stack.newSession());
  chat.sendMessage({ text: 'first' });
  await shows('user: first', 'assistant: half');
  const client = transport.client(chat.id);
  chat.sendMessage({ text: 'second' });
  await expect
    .poll(() => client.transcript.getSnapshot().pending.map(({ state }) => state.status))
    .toEqual(['accepted']);
  await chat.stop();
  await expect.poll(fates).toEqual(['cancelled']);
  await expect.poll(() => chat.status).toBe('ready');
});

it('P3: an answer that cannot be made again, or whose question cannot be edited, stays on screen', async () => {
  stack.script([{ toolCalls: [PAY] }, { chunks: ['One.'] }, { chunks: ['Two.'] }]);
  const { chat, asks, call, shows, texts } = await openPage(stack.newSession());
  const sent = chat.sendMessage({ text: 'first' });
  await chat.addToolApprovalResponse({ id: await asks(), approved: true });
  await sent;
  await chat.sendMessage({ text: 'second' });
  const all = ['user: first', 'assistant: One.', 'user: second', 'assistant: Two.'];
  await shows(...all);
  const before = structuredClone(chat.messages);
  await chat.regenerate();
  expect(chat.error?.message).toContain('cannot be made again');
  expect(chat.messages).toEqual(before);
  await chat.regenerate({ messageId: chat.messages[1]?.id ?? '' });
  expect(texts()).toEqual(all);
  expect(call()).toMatchObject({ state: 'output-available', approval: { approved: true } });
  await chat.sendMessage({ text: 'else', messageId: chat.messages[0]?.id ?? '' });
  expect(chat.error?.message).toContain('cannot be edited');
  expect(texts().slice(1)).toEqual(all.slice(1));
});

it('a chat that went over to a fork stays attached: its approvals and the turns of other clients are those of the fork', async () => {
  stack.script([{ chunks: ['One.'] }, { toolCalls: [PAY] }, { chunks: ['Paid.'] }, { chunks: ['Yours.'] }]);
  const forks: string[] = [];
  const session = stack.newSession();
  const { chat, asks, call, shows } = await openPage(session, ({ to }) => forks.push(to));
  await chat.sendMessage({ text: 'first' });
  const again = chat.regenerate();
  await chat.addToolApprovalResponse({ id: await asks(), approved: true });
  await again;
  expect(call()).toMatchObject({ state: 'output-available', output: 'rent is paid' });
  const other = await openPage(forks[0] ?? '');
  await other.chat.sendMessage({ text: 'second' });
  await shows('user: first', 'assistant: Paid.', 'user: second', 'assistant: Yours.');
  expect(await stack.stored.lines(session)).toEqual(['user: first', 'assistant: One.']);
});
