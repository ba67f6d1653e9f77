import { rm } from 'node:fs/promises';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Chat } from '@ai-sdk/react';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { buildVariant } from '../../test/conformance/variant-bundles.ts';
import { type Stack, startStack } from '../../test/support/stack.ts';
import { WAIT_MS } from '../../test/support/timeouts.ts';
import { MidturnChatTransport } from './transport.ts';
import type { MidturnUIMessage } from './ui-message.ts';

/** An agent with a tool that does not heed its signal: it answers when the given address does. */
const AGENT = `
import { tool } from 'ai';
import { defineAgent } from 'midturn/agent';
import * as z from 'zod';

const stubborn = tool({
  inputSchema: z.object({ url: z.string() }),
  execute: async ({ url }) => (await fetch(url)).text(),
});

export const agent = defineAgent({ instructions: 'Answer briefly.', tools: { stubborn: { tool: stubborn } } });
`;

const folder = join(import.meta.dirname, '../../dist/stubborn-agent');
let stack: Stack;
beforeAll(async () => {
  stack = await startStack({ bundles: () => buildVariant({ files: { 'agent/agent.ts': AGENT } }, folder) });
});
afterAll(async () => {
  await stack.settleClients();
  await stack.close();
  await rm(folder, { recursive: true, force: true });
});

let sessions = 0;

/** A page with `useChat`, whose turn runs the tool until `release`. */
async function whileToolRuns(
  t: { onTestFinished(done: () => void): void },
  { resumes }: { resumes: boolean },
) {
  const held: ServerResponse[] = [];
  const slow = createServer((_, response) => void held.push(response));
  await new Promise<void>((resolve) => slow.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(slow.address() as AddressInfo).port}/`;
  stack.model.script([{ toolCalls: [{ name: 'stubborn', args: { url } }] }, { chunks: ['So.'] }]);
  const id = `session-${++sessions}`;
  const transport = new MidturnChatTransport({ url: stack.cloud.url });
  t.onTestFinished(() => {
    transport.close();
    slow.close();
  });
  const chat = new Chat<MidturnUIMessage>({
    id,
    transport,
    // As client/README.md says.
    onFinish: ({ isAbort }) => {
      if (isAbort && resumes) chat.resumeStream();
    },
  });
  const tools = () =>
    chat.messages.flatMap(({ parts }) => parts.flatMap((part) => ('toolCallId' in part ? [part.state] : [])));
  const first = chat.sendMessage({ text: 'first' });
  await vi.waitUntil(() => held.length === 1, { timeout: WAIT_MS });
  await expect.poll(tools, { timeout: WAIT_MS }).toEqual(['input-available']);
  const release = () => {
    for (const response of held) response.end('done');
  };
  return { id, chat, client: transport.client(id), first, tools, release };
}

it('P1: what is sent after stop() is answered, what waited is withdrawn, and the page shows the stop at once', async (t) => {
  const { id, chat, client, first, tools, release } = await whileToolRuns(t, { resumes: true });
  const waiting = chat.sendMessage({ text: 'waits' });
  await expect
    .poll(() => client.transcript.getSnapshot().pending[0]?.state.status, { timeout: WAIT_MS })
    .toBe('accepted');
  chat.stop();
  const next = chat.sendMessage({ text: 'next' });
  // The tool still runs: its part is closed, and the answer says that it is being stopped.
  await expect.poll(tools, { timeout: WAIT_MS }).toEqual(['output-error']);
  expect(chat.messages[1]?.metadata).toMatchObject({ stopping: true });
  expect(chat.status).not.toBe('ready');
  release();
  await Promise.all([first, waiting, next]);
  await expect.poll(() => chat.status, { timeout: WAIT_MS }).toBe('ready');
  expect(chat.messages[1]?.metadata).toMatchObject({ stopping: false });
  expect(chat.messages.at(-1)?.parts).toContainEqual(expect.objectContaining({ type: 'text', text: 'So.' }));
  expect(await stack.stored.lines(id)).toEqual([
    'user: first',
    'tool_call: stubborn',
    'tool_result: stubborn',
    'user: next',
    'assistant: So.',
  ]);
});

it('a stopped turn that is over when the page resumes it is complete there too, once', async (t) => {
  const { chat, client, tools, release } = await whileToolRuns(t, { resumes: false });
  await chat.stop();
  release();
  await expect.poll(() => client.transcript.getSnapshot().activeTurn, { timeout: WAIT_MS }).toBeUndefined();
  // The library does not look at a stream that it has stopped.
  expect(tools()).toEqual(['input-available']);
  await chat.resumeStream();
  // Whichever came first, the result or the stop.
  expect(tools()[0]).toMatch(/^output-/);
  expect(chat.status).toBe('ready');
  const messages = structuredClone(chat.messages);
  await chat.resumeStream();
  expect(chat.messages).toEqual(messages);
});
