import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Chat } from '@ai-sdk/react';
import { lastAssistantMessageIsCompleteWithToolCalls } from 'ai';
import { afterAll, afterEach, expect, it } from 'vitest';
import { buildVariant } from '../../test/conformance/variant-bundles.ts';
import { givenStack } from '../../test/support/stack.ts';
import { LONG_WAIT_MS } from '../../test/support/timeouts.ts';
import { memoryStorage } from '../storage.ts';
import { MidturnChatTransport } from './transport.ts';
import type { MidturnUIMessage } from './ui-message.ts';

/** `useChat` with tools that the page runs, as the AI SDK's page about tools has them: `onToolCall`, `addToolOutput`. */

const folder = join(import.meta.dirname, '../../dist/agent-of-use-chat');
const AGENT = `
import { tool } from 'ai';
import { defineAgent } from 'midturn/agent';
import { z } from 'zod';

export const agent = defineAgent({
  instructions: 'Answer briefly.',
  tools: { locate: tool({ description: 'Where the user is.', inputSchema: z.object({}) }) },
});
`;
const stack = givenStack({ bundles: () => buildVariant({ files: { 'agent/agent.ts': AGENT } }, folder) });
afterAll(() => rm(folder, { recursive: true, force: true, maxRetries: 10 }));
const opened: MidturnChatTransport[] = [];
afterEach(() => {
  for (const transport of opened.splice(0)) transport.close();
});

type Page = Chat<MidturnUIMessage>;

interface Given {
  onToolCall?: (page: Page, toolCallId: string) => void;
  storage?: ReturnType<typeof memoryStorage>;
  attached?: boolean;
}

async function openPage(
  id: string,
  { onToolCall = () => {}, storage = memoryStorage(), attached = false }: Given = {},
) {
  const transport = new MidturnChatTransport({ url: stack.cloud.url, storage });
  opened.push(transport);
  const page: Page = new Chat<MidturnUIMessage>({
    id,
    transport,
    messages: await transport.messages(id),
    sendAutomaticallyWhen: lastAssistantMessageIsCompleteWithToolCalls,
    onToolCall: ({ toolCall }) => onToolCall(page, toolCall.toolCallId),
  });
  if (attached) transport.attach(page);
  return { page, client: transport.client(id) };
}

const locate = (id: string) => ({ name: 'locate', args: {}, id });
const parts = ({ messages }: Page) =>
  messages.flatMap((message) =>
    message.parts.flatMap((part): unknown[] => {
      if (part.type === 'text') return [part.text];
      return 'toolCallId' in part ? [[part.toolCallId, part.state, part.output ?? part.errorText]] : [];
    }),
  );
const shows = (page: Page, ...expected: unknown[]) =>
  expect.poll(() => parts(page), { timeout: LONG_WAIT_MS }).toEqual(expected);
const isReady = (page: Page) => expect.poll(() => page.status, { timeout: LONG_WAIT_MS }).toBe('ready');
const give = (page: Page, output: unknown, toolCallId = 'c1') =>
  page.addToolOutput({ tool: 'locate', toolCallId, output });

it('what `onToolCall` gives by `addToolOutput` goes to the agent, and the answer goes on in the same message', async () => {
  const model = stack.script([
    { chunks: ['Let me see. '], toolCalls: [locate('c1'), locate('c2')] },
    { chunks: ['In Lisbon.'] },
  ]);
  const { page } = await openPage(stack.newSession(), {
    onToolCall(chat, toolCallId) {
      if (toolCallId === 'c1') give(chat, { city: 'Lisbon' });
      else chat.addToolOutput({ tool: 'locate', toolCallId, state: 'output-error', errorText: 'no signal' });
    },
  });
  await page.sendMessage({ text: 'Where am I?' });
  const all = [
    'Where am I?',
    'Let me see. ',
    ['c1', 'output-available', { city: 'Lisbon' }],
    ['c2', 'output-error', 'no signal'],
    'In Lisbon.',
  ];
  await shows(page, ...all);
  expect(page.messages).toHaveLength(2);
  await isReady(page);
  expect(model.requests).toHaveLength(2);
  await shows((await openPage(page.id)).page, ...all);
});

it('a user may take time: the page is ready meanwhile, a reload is asked again, and goes on in the same message', async () => {
  stack.script([{ toolCalls: [locate('c1')] }, { chunks: ['In Porto.'] }]);
  const session = stack.newSession();
  const storage = memoryStorage();
  const { page: before, client } = await openPage(session, { storage });
  await before.sendMessage({ text: 'Where am I?' });
  expect(before.status).toBe('ready');
  await shows(before, 'Where am I?', ['c1', 'input-available', undefined]);
  client.close();
  const asked: string[] = [];
  const { page } = await openPage(session, { storage, onToolCall: (_, id) => asked.push(id) });
  await shows(page, 'Where am I?', ['c1', 'input-available', undefined]);
  await page.resumeStream();
  expect(asked).toEqual(['c1']);
  await isReady(page);
  await give(page, 'Porto');
  await shows(page, 'Where am I?', ['c1', 'output-available', 'Porto'], 'In Porto.');
  await isReady(page);
});

it('a page that was loaded while its turn waits gives the output without resuming', async () => {
  stack.script([{ toolCalls: [locate('c1')] }, { chunks: ['In Faro.'] }]);
  const session = stack.newSession();
  const storage = memoryStorage();
  const { page: before, client } = await openPage(session, { storage });
  await before.sendMessage({ text: 'Where am I?' });
  client.close();
  const { page } = await openPage(session, { storage });
  await give(page, 'Faro');
  await shows(page, 'Where am I?', ['c1', 'output-available', 'Faro'], 'In Faro.');
});

it('outputs that are given one after the other: the answer goes on when all are there', async () => {
  stack.script([{ toolCalls: [locate('c1'), locate('c2')] }, { chunks: ['Here.'] }]);
  const { page } = await openPage(stack.newSession());
  await page.sendMessage({ text: 'Where?' });
  await give(page, 1, 'c1');
  await shows(page, 'Where?', ['c1', 'output-available', 1], ['c2', 'input-available', undefined]);
  expect(page.status).toBe('ready');
  await give(page, 2, 'c2');
  await shows(page, 'Where?', ['c1', 'output-available', 1], ['c2', 'output-available', 2], 'Here.');
});

it('an output that is too long is an error of the chat, and another one can be given', async () => {
  stack.script([{ toolCalls: [locate('c1')] }, { chunks: ['In Porto.'] }]);
  const { page } = await openPage(stack.newSession());
  await page.sendMessage({ text: 'Where am I?' });
  await give(page, 'x'.repeat(17_000));
  await expect.poll(() => page.error?.message, { timeout: LONG_WAIT_MS }).toMatch(/at most 16384/);
  await give(page, 'Porto');
  await shows(page, 'Where am I?', ['c1', 'output-available', 'Porto'], 'In Porto.');
});

it('P6: in an attached chat, an output that is given while a steering message waits goes to the agent at once', async () => {
  const model = stack.script([{ toolCalls: [locate('c1')] }, { chunks: ['In Porto.'] }]);
  const { page } = await openPage(stack.newSession(), { attached: true });
  await page.sendMessage({ text: 'Where am I?' });
  const steering = page.sendMessage({ text: 'And when?' });
  await expect.poll(() => page.status).not.toBe('ready');
  await give(page, 'Porto');
  await steering;
  expect(parts(page).slice(-2)).toEqual(['And when?', 'In Porto.']);
  expect(model.prompt(2).at(-1)).toBe('user: And when?');
});

it('an attached chat shows the turn that goes on without its page, and sends nothing', async () => {
  const model = stack.script([{ toolCalls: [locate('c1')] }, { chunks: ['In Porto.'] }]);
  const session = stack.newSession();
  const { page } = await openPage(session, { attached: true });
  await page.sendMessage({ text: 'Where am I?' });
  const { client: other } = await openPage(session);
  await other.ready();
  other.abort();
  const stopped = 'No result: the turn was stopped while the client ran this tool.';
  await shows(page, 'Where am I?', ['c1', 'output-error', stopped]);
  await isReady(page);
  expect(model.requests).toHaveLength(1);
});

it('another device is not asked, and shows the call as one that runs elsewhere', async () => {
  stack.script([{ toolCalls: [locate('c1')] }, { chunks: ['In Porto.'] }]);
  const session = stack.newSession();
  const { page } = await openPage(session);
  await page.sendMessage({ text: 'Where am I?' });
  const asked: string[] = [];
  const { page: other } = await openPage(session, { onToolCall: (_, id) => asked.push(id) });
  const resumed = other.resumeStream();
  await shows(other, 'Where am I?', ['c1', 'input-available', undefined]);
  await give(page, 'Porto');
  await resumed;
  await shows(other, 'Where am I?', ['c1', 'output-available', 'Porto'], 'In Porto.');
  expect(asked).toEqual([]);
});
