import { cp, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { buildClient } from '../../client/build.ts';
import { readmeComponent } from '../../client/testing/readme-component.ts';
import { buildVariant } from '../conformance/variant-bundles.ts';
import { createGate } from '../support/model-server.ts';
import { givenStack } from '../support/stack.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { LONG_WAIT_MS } from '../support/timeouts.ts';
import { describeInBrowser, launchBrowser } from './browser.ts';
import { type PageServer, servePages } from './page-server.ts';

const ROOT = join(import.meta.dirname, '../..');

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
  tools: {
    pay: { tool: pay, needsApproval: true },
    locate: tool({ description: 'Where the user is.', inputSchema: z.object({}) }),
  },
});
`;
const variant = join(ROOT, 'dist/agent-of-an-own-page');
afterAll(() => rm(variant, { recursive: true, force: true, maxRetries: 10 }));

/** What an application adds to the README's component, and what tests use: `show`, `leave`, and the `view` of a component that shows nothing. */
const APPLICATION = `
import { StrictMode } from 'react';
import { hydrateRoot } from 'react-dom/client';
import { renderToString } from 'react-dom/server';
import { useMidturn } from 'midturn-client/react';
import { Conversation } from './conversation.tsx';

const { url, session } = Object.fromEntries(new URLSearchParams(location.hash.slice(1)));
const page = (sessionId) => <StrictMode><Conversation url={url} sessionId={sessionId} /></StrictMode>;
const element = document.getElementById('root');
element.innerHTML = renderToString(page(session));
const root = hydrateRoot(element, page(session));
window.show = (sessionId) => root.render(page(sessionId));
function Probe() {
  window.view = useMidturn(session, { url, historyPage: 3 });
  return null;
}
window.probe = () => root.render(<StrictMode><Probe /></StrictMode>);
window.leave = () => root.unmount();
`;

/** A page with the built package in its `node_modules`, as one script of a development build: StrictMode works only there. */
async function bundleApplication(folder: string): Promise<string> {
  const installed = join(folder, 'node_modules/midturn-client');
  await mkdir(installed, { recursive: true });
  await cp(join(ROOT, 'client/package.json'), join(installed, 'package.json'));
  await buildClient(join(installed, 'dist'));
  await writeFile(join(folder, 'conversation.tsx'), await readmeComponent());
  await writeFile(join(folder, 'main.tsx'), APPLICATION);
  const { outputFiles } = await build({
    entryPoints: [join(folder, 'main.tsx')],
    bundle: true,
    write: false,
    format: 'esm',
    jsx: 'automatic',
    define: { 'process.env.NODE_ENV': '"development"' },
    nodePaths: [join(ROOT, 'node_modules')],
    logLevel: 'warning',
  });
  return outputFiles[0]?.text ?? '';
}

describeInBrowser('A page of one’s own, with `useMidturn`', () => {
  let script: string;
  let server: PageServer;
  let browser: Browser;
  beforeAll(async () => {
    [browser, script] = await Promise.all([launchBrowser(), bundleApplication(temporaryFolder())]);
    server = await servePages(({ url }, response) => {
      const [type, body] =
        url === '/main.js'
          ? ['text/javascript', script]
          : [
              'text/html',
              '<!doctype html><div id="root"></div><script type="module" src="/main.js"></script>',
            ];
      response.writeHead(200, { 'content-type': `${type}; charset=utf-8` }).end(body);
    });
  });
  afterAll(async () => {
    await browser?.close();
    server?.close();
  });
  const stack = givenStack(() => ({
    origins: [server.origin],
    bundles: () => buildVariant({ files: { 'agent/agent.ts': AGENT } }, variant),
  }));

  async function open(session: string) {
    const context = await browser.newContext();
    const page = await context.newPage();
    page.setDefaultTimeout(LONG_WAIT_MS);
    const complaints: string[] = [];
    const sockets: { session: string | null; isOpen: boolean }[] = [];
    page.on('pageerror', (error) => complaints.push(String(error)));
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
    });
    page.on('websocket', (socket) => {
      const seen = { session: new URL(socket.url()).searchParams.get('session_id'), isOpen: true };
      sockets.push(seen);
      socket.on('close', () => {
        seen.isOpen = false;
      });
    });
    const parameters = new URLSearchParams({ session, url: stack.cloud.url });
    await page.goto(`${server.origin}/#${parameters}`);
    await page.getByRole('textbox').waitFor();
    return {
      page,
      sockets,
      async close() {
        await context.close();
        expect(complaints).toEqual([]);
      },
    };
  }

  const button = (page: Page, name: string | RegExp) => page.getByRole('button', { name });
  const say = async (page: Page, text: string) => {
    await page.getByRole('textbox').fill(text);
    await button(page, /^(Send|Steer)$/).click();
  };
  const shows = (page: Page, ...lines: string[]) =>
    expect.poll(() => page.locator('h4, p').allTextContents(), { timeout: LONG_WAIT_MS }).toEqual(lines);

  it('P3, P6: sends, steers a running answer, approves a tool and stops a turn', async () => {
    const gate = createGate();
    stack.script([
      { chunks: ['draft', gate, ' ends'] },
      { chunks: ['final'] },
      { toolCalls: [{ name: 'pay', args: { to: 'Ada' }, id: 'c1' }] },
      { chunks: ['paid'] },
      { chunks: ['half', createGate()] },
    ]);
    const session = stack.newSession();
    const { page, close } = await open(session);
    await say(page, 'first');
    await shows(page, 'first (applied)', 'draft');
    await say(page, 'second');
    await shows(page, 'first (applied)', 'draft', 'second (accepted)');
    gate.open();
    const answered = ['first (applied)', 'draft ends', 'second (applied)', 'final'];
    await shows(page, ...answered);
    await button(page, 'Send').waitFor();

    await say(page, 'pay');
    await button(page, /^Allow pay: .*Ada/).click();
    await shows(page, ...answered, 'pay (applied)', 'paid');
    await button(page, 'Send').waitFor();
    expect(await button(page, /^Allow/).count()).toBe(0);

    await say(page, 'third');
    await shows(page, ...answered, 'pay (applied)', 'paid', 'third (applied)', 'half');
    await button(page, 'Stop').click();
    await button(page, 'Send').waitFor();
    expect(await stack.stored.lines(session)).toEqual([
      'user: first',
      'assistant: draft ends',
      'user: second',
      'assistant: final',
      'user: pay',
      'tool_call: pay',
      'tool_result: pay',
      'assistant: paid',
      'user: third',
      'assistant: half',
    ]);
    await close();
  });

  it('P9, P14: has one connection in StrictMode; another session is shown at once, and the turn of the first goes on', async () => {
    const gate = createGate();
    stack.script([{ chunks: ['one', gate, ' more'] }, { chunks: ['two'] }]);
    const [first, second] = [stack.newSession(), stack.newSession()];
    const { page, sockets, close } = await open(first);
    await say(page, 'a');
    await shows(page, 'a (applied)', 'one');
    expect(sockets).toEqual([{ session: first, isOpen: true }]);

    await page.evaluate(`show(${JSON.stringify(second)})`);
    await shows(page);
    await expect
      .poll(() => sockets)
      .toEqual([
        { session: first, isOpen: false },
        { session: second, isOpen: true },
      ]);
    gate.open();
    await say(page, 'b');
    await shows(page, 'b (applied)', 'two');

    await page.evaluate(`show(${JSON.stringify(first)})`);
    await shows(page, 'a (applied)', 'one more');
    await page.evaluate('leave()');
    await expect.poll(() => sockets.map(({ isOpen }) => isOpen)).toEqual([false, false, false]);
    await close();
  });

  it('P1: withdraws, revokes, loads earlier messages and cuts the connection, by functions that stay the same', async () => {
    const pay = (id: string) => ({ toolCalls: [{ name: 'pay', args: { to: 'Ada' }, id }] });
    const gate = createGate();
    stack.script([
      { chunks: ['one'] },
      { chunks: ['two'] },
      pay('c1'),
      { chunks: ['paid'] },
      pay('c2'),
      { chunks: ['again'] },
      { toolCalls: [{ name: 'locate', args: {}, id: 'c3' }] },
      { chunks: ['here', gate] },
    ]);
    const { page, sockets, close } = await open(stack.newSession());
    for (const [text, answer] of [
      ['a', 'one'],
      ['b', 'two'],
    ] as const) {
      await say(page, text);
      await page.getByText(answer, { exact: true }).waitFor();
      await button(page, 'Send').waitFor();
    }
    await page.evaluate('probe()');
    const sees = (expression: string, value: unknown) =>
      expect.poll(() => page.evaluate(expression), { timeout: LONG_WAIT_MS }).toEqual(value);
    const said = 'view.state.items.flatMap(({ kind, content }) => (kind === "user" ? content : []))';

    await sees('view.state.history', { status: 'loaded', more: true });
    await sees(said, ['b']);
    await page.evaluate('window.functions = Object.values(view).filter((one) => typeof one === "function")');
    expect(await page.evaluate('functions.length')).toBe(10);
    expect(await page.evaluate('view.history()')).toBe(false);
    await sees(said, ['a', 'b']);

    const asked = 'view.state.items.findLast(({ kind, resolved }) => kind === "approval" && !resolved)';
    await page.evaluate('void view.send("pay")');
    await sees(`${asked}?.tool`, 'pay');
    await page.evaluate(`view.approve(${asked}.requestId, 'always')`);
    await sees('view.state.trusted', ['pay']);
    await sees('view.state.activeTurn', undefined);
    await page.evaluate('void view.send("pay more")');
    await sees('view.state.items.findLast(({ kind }) => kind === "text")?.content', 'again');
    await sees('view.state.activeTurn', undefined);
    await page.evaluate('view.revoke("pay")');
    await sees('view.state.trusted', []);

    await page.evaluate('void view.send("locate")');
    await sees('view.state.items.findLast(({ id }) => id === "c3")?.request?.timeoutSeconds', 120);
    await page.evaluate('view.addToolOutput({ toolCallId: "c3", output: "Porto" })');
    await sees('view.state.items.findLast(({ id }) => id === "c3")?.result?.output', 'Porto');
    await sees('view.state.items.at(-1).content', 'here');

    await page.evaluate('window.later = view.send("later", { delivery: "queue" }).id');
    await sees('view.state.pending.map(({ state }) => state.status)', ['queued']);
    await page.evaluate('view.cancel(later)');
    await sees('view.state.items.at(-1).state.status', 'cancelled');
    await page.evaluate('view.dismiss(later)');
    await sees(said, ['a', 'b', 'pay', 'pay more', 'locate']);

    await page.evaluate('view.disconnect()');
    await sees('view.state.connection.status', 'offline');
    gate.open();
    await page.evaluate('view.connect()');
    await sees('view.state.activeTurn', undefined);
    expect(await page.evaluate('functions.every((one) => Object.values(view).includes(one))')).toBe(true);
    expect(await page.evaluate('view.chat.sessionId === view.state.sessionId')).toBe(true);
    expect(sockets.filter(({ isOpen }) => isOpen).length).toBe(1);

    await page.evaluate('leave()');
    const late = 'try { view.send("late") } catch (error) { error.code }';
    expect(await page.evaluate(late)).toBe('CLOSED');
    await close();
  });
});
