import type { Browser, Page } from 'playwright-core';
import { createServer, type ViteDevServer } from 'vite';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeInBrowser, launchBrowser } from '../../test/browser/browser.ts';
import { createGate } from '../../test/support/model-server.ts';
import { givenStack } from '../../test/support/stack.ts';
import { WAIT_MS } from '../../test/support/timeouts.ts';

/** A test that passes never waits so long. */

describeInBrowser('The useChat example', () => {
  let server: ViteDevServer;
  let browser: Browser;
  beforeAll(async () => {
    [browser, server] = await Promise.all([
      launchBrowser(),
      createServer({
        configFile: `${import.meta.dirname}/vite.config.ts`,
        logLevel: 'error',
        cacheDir: `${import.meta.dirname}/../../node_modules/.vite-example`,
        server: { port: 0, host: '127.0.0.1', hmr: false },
      }).then((created) => created.listen()),
    ]);
  });
  afterAll(async () => {
    await browser?.close();
    await server?.close();
  });

  // Started after the development server, whose origin it lets in.
  const stack = givenStack(() => ({ origins: [new URL(server.resolvedUrls?.local[0] ?? '').origin] }));

  async function open(session: string) {
    const context = await browser.newContext();
    const page = await context.newPage();
    page.setDefaultTimeout(WAIT_MS);
    const complaints: string[] = [];
    page.on('pageerror', (error) => complaints.push(String(error)));
    page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
    const parameters = new URLSearchParams({ session, server: stack.cloud.url });
    await page.goto(`${server.resolvedUrls?.local[0]}#${parameters}`);
    await page.getByRole('textbox').waitFor();
    return { page, complaints, close: () => context.close() };
  }

  const say = async (page: Page, text: string) => {
    await page.getByRole('textbox').fill(text);
    await page.getByRole('textbox').press('Enter');
  };
  const shows = (page: Page, ...lines: string[]) =>
    expect.poll(() => page.getByRole('list').locator('p, small').allTextContents()).toEqual(lines);

  it('steers a running answer; a reload in mid-answer shows it and goes on; stop stops', async () => {
    const gate = createGate();
    const last = createGate();
    stack.script([
      { chunks: ['draft', gate, ' ends'] },
      { chunks: ['final', last, ' answer'] },
      { chunks: ['half', createGate()] },
    ]);
    const session = stack.newSession();
    const { page, complaints, close } = await open(session);
    await say(page, 'first');
    await shows(page, 'first', 'draft');
    await say(page, 'second');
    await shows(page, 'first', 'draft', 'second', 'waits for the next step');
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
});
