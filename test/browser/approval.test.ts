import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { buildVariant } from '../conformance/variant-bundles.ts';
import { startAskingMcpServer } from '../support/asking-mcp-server.ts';
import { createGate } from '../support/model-server.ts';
import { givenStack } from '../support/stack.ts';
import { barriers } from './barriers.ts';
import { describeInBrowser, givenBrowser } from './browser.ts';
import type { ChatPage } from './chat-page.ts';

/** Asks for values, then to visit an address. */
const books = await startAskingMcpServer([
  {
    who: {
      method: 'elicitation/create',
      params: {
        message: `لمن الكتاب؟ ${'a-very-long-word-'.repeat(12)}`,
        requestedSchema: {
          type: 'object',
          properties: {
            name: { type: 'string', title: 'Name' },
            days: { type: 'integer', title: 'Days', minimum: 1, maximum: 30, default: 14 },
            colour: { type: 'string', title: 'Colour', oneOf: [{ const: '#f00', title: 'Red' }] },
            extras: { type: 'array', title: 'Extras', items: { enum: ['bag', 'light'] } },
            sure: { type: 'boolean', title: 'I am sure' },
          },
          required: ['name', 'days', 'colour', 'sure'],
        },
      },
    },
  },
  {
    login: {
      method: 'elicitation/create',
      params: { mode: 'url', message: 'Log in there.', url: 'https://login.example/way?to=it' },
    },
  },
]);

const AGENT = `
import { tool } from 'ai';
import { defineAgent } from 'midturn/agent';
import { z } from 'zod';

const pay = tool({
  description: 'Pays.',
  inputSchema: z.object({ card: z.string(), to: z.string(), note: z.string().optional() }),
  execute: ({ to }) => 'paid to ' + to,
});

export const agent = defineAgent({
  instructions: 'Answer briefly.',
  tools: { pay: { tool: pay, needsApproval: true } },
  mcp: { books: { url: '${books.url}', elicitation: true } },
});
`;
const folder = join(import.meta.dirname, '../../dist/agent-of-the-approval-card');
afterAll(() => books.close());
afterAll(() => rm(folder, { recursive: true, force: true, maxRetries: 10 }));

const CARD = '4111 1111 1111 1111';
const ARGUMENTS = { card: CARD, to: 'مطعم الزيتون', note: `for ${'a-very-long-word-'.repeat(12)}` };

describeInBrowser('The approval card', () => {
  const stack = givenStack({ bundles: () => buildVariant({ files: { 'agent/agent.ts': AGENT } }, folder) });
  const browser = givenBrowser(stack);

  /** A page that is asked whether the tool may run. */
  async function asked(width: number): Promise<ChatPage> {
    stack.script([{ toolCalls: [{ name: 'pay', args: ARGUMENTS, id: 'c1' }] }, { chunks: ['Done.'] }]);
    const viewport = { width, height: 720 };
    const chat = await browser.open(stack.newSession(), { viewport, reducedMotion: 'reduce' });
    await chat.say('Pay for dinner');
    await card(chat).waitFor();
    return chat;
  }
  const card = ({ page }: ChatPage) => page.getByRole('region', { name: 'May pay run?' });
  const button = (chat: ChatPage, name: string) => card(chat).getByRole('button', { name, exact: true });
  const chip = ({ page }: ChatPage) => page.locator('.tool summary');

  it.each([1200, 320])(
    'shows each argument in a row and nothing beyond its edge, masks what looks like a card, counts down (%s px wide)',
    async (width) => {
      const chat = await asked(width);
      const rows = card(chat).getByRole('row');
      expect(await rows.getByRole('rowheader').allTextContents()).toEqual(['card', 'to', 'note']);
      expect(await rows.getByRole('cell').allTextContents()).toEqual([
        '••••1111',
        ARGUMENTS.to,
        ARGUMENTS.note,
      ]);
      await button(chat, 'Show what looks secret').click();
      expect(await rows.getByRole('cell').first().textContent()).toBe(CARD);
      expect(await chip(chat).textContent()).toContain('waits for you');
      expect(await chip(chat).textContent()).not.toContain(CARD);
      const left = card(chat).getByRole('timer');
      const before = await left.textContent();
      expect(before).toMatch(/^in \d+:\d\d$/);
      await expect.poll(() => left.textContent()).not.toBe(before);
      const beyond = await card(chat).evaluate((element) => {
        const { right } = element.getBoundingClientRect();
        const inside = [...element.querySelectorAll('*')] as unknown as {
          getBoundingClientRect(): { right: number };
        }[];
        return inside.filter((one) => one.getBoundingClientRect().right > right).length;
      });
      expect(beyond).toBe(0);
      expect(await chat.page.evaluate('document.documentElement.scrollWidth - innerWidth')).toBe(0);
      expect(await barriers(chat)).toEqual([]);
      await button(chat, 'Deny').click();
      await chat.answered();
    },
  );

  it.each([
    ['Approve', 'done', 'Approved'],
    ['Deny', 'not run', 'Denied'],
  ])('%s: the card goes, and the tool’s line tells it, also after a reload', async (choice, state, words) => {
    const chat = await asked(1200);
    await button(chat, choice).click();
    await chat.answered();
    for (const reload of [false, true]) {
      if (reload) await chat.reload();
      await chat.page.getByText('Done.').waitFor();
      expect(await card(chat).count()).toBe(0);
      expect(await chip(chat).textContent()).toContain(state);
      await chip(chat).click();
      expect(await chat.page.locator('.tool dl').textContent()).toContain(`Approval${words}`);
    }
  });

  it('a question of an MCP server is a form that says what does not fit, then an address that only the user opens', async () => {
    stack.script([{ toolCalls: [{ name: 'books_burn', args: {}, id: 'c1' }] }, { chunks: ['Lent.'] }]);
    const viewport = { width: 320, height: 720 };
    const chat = await browser.open(stack.newSession(), { viewport, reducedMotion: 'reduce' });
    await chat.say('Borrow it');
    const form = chat.page.getByRole('region', { name: 'books asks you' });
    await form.waitFor();
    expect(await chat.page.evaluate('document.documentElement.scrollWidth - innerWidth')).toBe(0);
    expect(await barriers(chat)).toEqual([]);
    await form.getByLabel('Name').fill('آن');
    await form.getByLabel('Days').fill('31');
    await form.getByLabel('Colour').selectOption('Red');
    await form.getByLabel('light').check();
    await form.getByLabel('I am sure').check();
    await form.getByRole('button', { name: 'Send' }).click();
    await form.getByText('it must be at most 30.').waitFor();
    await form.getByLabel('Days').fill('30');
    await form.getByRole('button', { name: 'Send' }).click();
    const login = chat.page.getByRole('link', { name: 'Open login.example' });
    await login.waitFor();
    expect(await login.getAttribute('rel')).toContain('noopener');
    expect(await chat.page.getByText('https://login.example/way?to=it').count()).toBe(1);
    const content = { name: 'آن', days: 30, colour: '#f00', extras: ['light'], sure: true };
    expect(books.asked.at(-1)?.inputResponses).toEqual({ who: { action: 'accept', content } });
    await form.getByRole('button', { name: 'Decline' }).click();
    await chat.answered();
    await chat.page.getByText('Lent.').waitFor();
    expect(books.ran).toEqual([{ login: { action: 'decline' } }]);
    expect(await form.count()).toBe(0);
  });

  it('what is written from the right begins at the right, in messages, answers and rows', async () => {
    stack.script([{ chunks: ['مرحبا بك', createGate()] }]);
    const chat = await browser.open(stack.newSession());
    await chat.say('أين المطعم؟');
    await chat.page.getByText('مرحبا').waitFor();
    const directions = await chat.page.evaluate(`[
      getComputedStyle(document.querySelector('.bubble')).direction,
      getComputedStyle(document.querySelector('.prose p')).unicodeBidi,
      getComputedStyle(document.querySelector('.top-bar h1')).direction,
    ]`);
    expect(directions).toEqual(['rtl', 'plaintext', 'rtl']);
    await chat.stopButton.click();
    await chat.answered();
  });

  it('P3: an error before any text does not say that something was kept', async () => {
    stack.script([{ chunks: [], cutAfter: 0 }]);
    const chat = await browser.open(stack.newSession());
    await chat.say('Fail');
    await chat.page.getByText('There is no answer.').waitFor();
    expect(await chat.page.getByText('What was said is kept.').count()).toBe(0);
  });
});
