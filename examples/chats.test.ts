import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { build, createServer, type PreviewServer, preview, type ViteDevServer } from 'vite';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeInBrowser, launchBrowser } from '../test/browser/browser.ts';
import { buildVariant } from '../test/conformance/variant-bundles.ts';
import { createGate } from '../test/support/model-server.ts';
import { givenStack } from '../test/support/stack.ts';
import { WAIT_MS } from '../test/support/timeouts.ts';

const AGENT = `
import { tool } from 'ai';
import { defineAgent } from 'midturn/agent';
import { z } from 'zod';

const pay = tool({
  description: 'Pays.',
  inputSchema: z.object({ to: z.string() }),
  execute: ({ to }) => 'paid to ' + to,
});

export const agent = defineAgent({
  instructions: 'Answer briefly.',
  tools: { pay: { tool: pay, needsApproval: true } },
});
`;
const agentFolder = join(import.meta.dirname, '../dist/agent-of-the-examples');
const pageFolder = join(import.meta.dirname, '../dist/page-of-the-assistant-ui-example');
afterAll(async () => {
  for (const folder of [agentFolder, pageFolder])
    await rm(folder, { recursive: true, force: true, maxRetries: 10 });
});

const LOOPBACK = { port: 0, host: '127.0.0.1' };

/** Of many modules: its build is loaded sooner than what a development server would prepare. */
async function serveAssistantUi(): Promise<PreviewServer> {
  const configFile = join(import.meta.dirname, 'assistant-ui/vite.config.ts');
  const into = { outDir: pageFolder, emptyOutDir: true };
  await build({ configFile, logLevel: 'error', build: into });
  return preview({ configFile, logLevel: 'error', build: into, preview: LOOPBACK });
}

/** A test that passes never waits so long. */
describeInBrowser('The examples of chats', () => {
  let server: ViteDevServer;
  let assistantUi: PreviewServer;
  let browser: Browser;
  beforeAll(async () => {
    [browser, assistantUi, server] = await Promise.all([
      launchBrowser(),
      serveAssistantUi(),
      createServer({
        configFile: `${import.meta.dirname}/ai-sdk/vite.config.ts`,
        logLevel: 'error',
        cacheDir: `${import.meta.dirname}/../node_modules/.vite-example`,
        server: { ...LOOPBACK, hmr: false },
      }).then((created) => created.listen()),
    ]);
  });
  afterAll(async () => {
    await browser?.close();
    await server?.close();
    await assistantUi?.close();
  });

  const addressOf = ({ resolvedUrls }: ViteDevServer | PreviewServer) => resolvedUrls?.local[0] ?? '';
  // Started after the servers of the pages, whose origins it lets in.
  const stack = givenStack(() => ({
    origins: [server, assistantUi].map((pages) => new URL(addressOf(pages)).origin),
    bundles: () => buildVariant({ files: { 'agent/agent.ts': AGENT } }, agentFolder),
  }));

  async function open(pages: ViteDevServer | PreviewServer, session: string) {
    const context = await browser.newContext();
    const page = await context.newPage();
    page.setDefaultTimeout(WAIT_MS);
    const complaints: string[] = [];
    page.on('pageerror', (error) => complaints.push(String(error)));
    page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
    const parameters = new URLSearchParams({ session, server: stack.cloud.url });
    await page.goto(`${addressOf(pages)}#${parameters}`);
    await page.getByRole('textbox').waitFor();
    return { page, complaints, close: () => context.close() };
  }

  const say = async (page: Page, text: string) => {
    await page.getByRole('textbox').fill(text);
    await page.getByRole('textbox').press('Enter');
  };
  const shows = (page: Page, ...lines: string[]) =>
    expect.poll(() => page.getByRole('list').locator('p, small').allTextContents()).toEqual(lines);

  /** These pages show a message before the server has it. */
  const isAccepted = (session: string, text: string) =>
    expect.poll(() => stack.stored.pending(session)).toEqual([text]);

  it('useChat steers a running answer; a reload in mid-answer shows it and goes on; stop stops', async () => {
    const gate = createGate();
    const last = createGate();
    stack.script([
      { chunks: ['draft', gate, ' ends'] },
      { chunks: ['final', last, ' answer'] },
      { chunks: ['half', createGate()] },
    ]);
    const session = stack.newSession();
    const { page, complaints, close } = await open(server, session);
    await say(page, 'first');
    await shows(page, 'first', 'draft');
    await say(page, 'second');
    await shows(page, 'first', 'draft', 'second', 'waits for the next step');
    await isAccepted(session, 'second');
    gate.open();
    await shows(page, 'first', 'draft ends', 'second', 'taken in at step 2', 'final');

    await page.reload();
    await shows(page, 'first', 'draft ends', 'second', 'taken in at step 2', 'final');
    last.open();
    await shows(page, 'first', 'draft ends', 'second', 'taken in at step 2', 'final answer');
    await expect.poll(() => page.getByRole('button', { name: 'Stop' }).isDisabled()).toBe(true);

    await say(page, 'third');
    await shows(page, 'first', 'draft ends', 'second', 'taken in at step 2', 'final answer', 'third', 'half');
    await page.getByRole('button', { name: 'Stop' }).click();
    expect(await stack.stored.lines(session)).toEqual([
      'user: first',
      'assistant: draft ends',
      'user: second',
      'assistant: final answer',
      'user: third',
      'assistant: half',
    ]);
    expect(complaints).toEqual([]);
    await close();
  });

  it('assistant-ui steers a running answer, approves a tool, stops, and looks the same after a reload', async () => {
    const gate = createGate();
    stack.script([
      { chunks: ['draft', gate, ' ends'] },
      { chunks: ['final answer'] },
      { toolCalls: [{ id: 'c1', name: 'pay', args: { to: 'Ann' } }] },
      { chunks: ['Done.'] },
      { chunks: ['half', createGate()] },
    ]);
    const session = stack.newSession();
    const { page, complaints, close } = await open(assistantUi, session);
    const log = page.getByRole('log').locator('p, small, summary, pre');
    const showsAtLast = (...lines: string[]) =>
      expect.poll(async () => (await log.allTextContents()).slice(-lines.length)).toEqual(lines);
    await say(page, 'first');
    await showsAtLast('first', 'draft');
    await page.getByRole('button', { name: 'Steer' }).waitFor();
    await say(page, 'second');
    await showsAtLast('first', 'draft', 'second');
    await isAccepted(session, 'second');
    gate.open();
    await showsAtLast('first', 'draft ends', 'second', 'taken in at step 2', 'final answer');
    await page.getByRole('button', { name: 'Send' }).waitFor();

    await say(page, 'Pay Ann.');
    await page.getByText('pay asks for approval').waitFor();
    await page.getByRole('button', { name: 'Approve' }).click();
    await showsAtLast('Pay Ann.', 'pay', '"paid to Ann"', 'Done.');
    await page.getByRole('button', { name: 'Send' }).waitFor();

    await say(page, 'third');
    await showsAtLast('third', 'half');
    await page.getByRole('button', { name: 'Stop' }).click();
    await page.getByRole('button', { name: 'Send' }).waitFor();
    const before = await log.allTextContents();
    await page.reload();
    await page.getByRole('textbox').waitFor();
    await expect.poll(() => log.allTextContents()).toEqual(before);
    expect(complaints).toEqual([]);
    await close();
  });
});
