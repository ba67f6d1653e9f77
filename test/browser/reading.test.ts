import type { Page } from 'playwright-core';
import { expect, it } from 'vitest';
import { createGate } from '../support/model-server.ts';
import { givenStack } from '../support/stack.ts';
import { describeInBrowser, givenBrowser } from './browser.ts';
import type { ChatPage } from './chat-page.ts';

describeInBrowser('What is read on the page', () => {
  const stack = givenStack();
  const browser = givenBrowser(stack);
  const permissions = ['clipboard-read', 'clipboard-write'];
  const clipboard = ({ page }: ChatPage) => page.evaluate('navigator.clipboard.readText()');

  it('an answer is copied as the model wrote it, its texts on either side of a tool, without what stands between', async () => {
    stack.script([
      { chunks: ['I will **look**.'], toolCalls: [{ name: 'current_time', args: {} }] },
      { thinking: ['Which words?'], chunks: ['- one\n- two'] },
    ]);
    const chat = await browser.open(stack.newSession(), { permissions });
    await chat.say('first');
    await chat.page.getByRole('button', { name: 'Copy the answer' }).click();
    await expect.poll(() => clipboard(chat)).toBe('I will **look**.\n\n- one\n- two');
  });

  it('one’s own message is copied as it was written, once it is decided what became of it', async () => {
    const gate = createGate();
    stack.script([{ chunks: ['draft', gate] }, { chunks: ['whole'] }]);
    const chat = await browser.open(stack.newSession(), { permissions });
    const { page } = chat;
    const own = (content: string) =>
      page.getByRole('article').filter({ has: page.locator('.bubble').getByText(content, { exact: true }) });
    const copy = { name: 'Copy the message' };
    await chat.say('first');
    await page.locator('.prose').waitFor();
    await chat.say('  *second*\n');
    await chat.notes('*second*', /^Accepted/);
    expect(await own('*second*').getByRole('button', copy).count()).toBe(0);
    gate.open();
    await chat.answered();
    await own('*second*').getByRole('button', copy).click();
    await expect.poll(() => clipboard(chat)).toBe('  *second*\n');
    await own('first').getByRole('button', copy).click();
    await expect.poll(() => clipboard(chat)).toBe('first');
  });

  it('a footnote’s link and the way back stay in the page, in their own answer, and in the session', async () => {
    const noted = (what: string) => `Said ${what}.[^1]\n\n[^1]: Read ${what}.`;
    stack.script([{ chunks: [noted('before')] }, { chunks: [noted('after')] }]);
    const session = stack.newSession();
    const chat = await browser.open(session);
    const { page } = chat;
    for (const message of ['first', 'second']) {
      await chat.say(message);
      await chat.answered();
    }
    const answer = page.locator('.prose').filter({ hasText: 'Said after.' });
    const focused = page.locator(':focus');
    await answer.getByRole('link', { name: '1', exact: true }).click();
    await expect.poll(() => focused.textContent()).toMatch(/Read after\./);
    await focused.getByRole('link', { name: /^Back/ }).click();
    await expect.poll(() => focused.textContent()).toBe('1');
    expect(await answer.locator(':focus').count()).toBe(1);
    expect(new URL(page.url()).hash).toBe(`#session=${session}`);
    expect(page.context().pages()).toHaveLength(1);
  });

  it('a message says at which step it was taken in from the second one on, and the same after a reload', async () => {
    const gate = createGate();
    stack.script([{ chunks: ['draft', gate] }, { chunks: ['whole'] }]);
    const chat = await browser.open(stack.newSession());
    await chat.say('first');
    await chat.page.locator('.prose').waitFor();
    await chat.say('second');
    await chat.notes('second', /^Accepted/);
    gate.open();
    await chat.answered();
    const notes = () => chat.page.locator('.message .note').allTextContents();
    expect(await notes()).toEqual(['', 'Taken in at step 2']);
    await chat.reload();
    await expect.poll(notes).toEqual(['', 'Taken in at step 2']);
  });

  it.each([1100, 320])(
    'code is coloured under its language’s name, and formulas are set (%i px wide)',
    async (width) => {
      const code = `const answer = "${'wide '.repeat(40)}";`;
      const answer = [
        `\`\`\`ts\n${code}\n\`\`\``,
        '```\nplain words\n```',
        'So \\(x^2\\) is, for $5 or $6:',
        '\\[\n\\frac{a}{b}\n\\]',
        '$\\nonsense{$ is none.',
        // Macros multiply, references leave the session, and what is too long is read by nobody.
        'Nor \\(\\def\\a#1{#1#1}\\a{q}\\), nor \\(\\ref{q}\\)',
        `$$\n${'q+'.repeat(1500)}q\n$$`,
      ];
      stack.script([{ chunks: [answer.join('\n\n')] }]);
      const chat = await browser.open(stack.newSession(), { permissions, viewport: { width, height: 800 } });
      const { page } = chat;
      await chat.say('first');
      await chat.answered();
      const block = page.locator('.code-block').first();
      await block.locator('.hljs-keyword').getByText('const', { exact: true }).waitFor();
      expect(await block.locator('.code-language').textContent()).toBe('ts');
      expect(await page.locator('.code-language').count()).toBe(1);
      await block.getByRole('button', { name: 'Copy code' }).click();
      await expect.poll(() => clipboard(chat)).toBe(`${code}\n`);
      await page.locator('math msup').waitFor();
      await page.locator('math[display="block"] mfrac').waitFor();
      expect(await page.locator('.prose code').getByText('\\nonsense{', { exact: true }).count()).toBe(1);
      expect(await page.locator('.prose math').getByText('q').count()).toBe(0);
      expect(await page.locator('.prose a').count()).toBe(0);
      expect(await page.locator('.prose').textContent()).toContain('for $5 or $6:');
      // The page itself is not wider than the screen: the code scrolls, and fades where there is more of it.
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(width);
      const fade = () =>
        page.evaluate(
          "getComputedStyle(document.querySelector('.code-block pre')).getPropertyValue('--fade-end')",
        );
      await expect.poll(fade).toBe('40px');
      await block.locator('pre').evaluate((pre) => pre.scrollTo(pre.scrollWidth, 0));
      await expect.poll(fade).toBe('0px');
    },
  );

  it('the end of a long answer is notified where the page is hidden, if its reader wants that; the question comes once', async () => {
    const gate = createGate();
    const second = createGate();
    stack.script([{ chunks: ['draft', gate, ' and end'] }, { chunks: ['draft', second] }]);
    const chat = await browser.open(stack.newSession(), { prepare: withNotices });
    const { page } = chat;
    const offer = page.getByText(/^This answer takes a while/);
    const notices = () => page.evaluate('notices');
    await chat.say('first');
    await page.locator('.prose').waitFor();
    expect(await offer.count()).toBe(0);
    await page.clock.fastForward(20_000);
    await offer.waitFor();
    await page.getByRole('button', { name: 'Yes', exact: true }).click();
    await offer.waitFor({ state: 'detached' });
    await page.evaluate('hidden = true');
    gate.open();
    await expect.poll(notices).toEqual([['first', 'The answer is complete.']]);
    await page.evaluate('hidden = false');
    await chat.answered();
    await chat.say('second');
    await chat.shows('user: first', 'assistant: draft and end', 'user: second', 'assistant: draft');
    await page.clock.fastForward(20_000);
    second.open();
    await chat.answered();
    // Who looks at the page needs no notice.
    expect(await notices()).toHaveLength(1);
    expect(await offer.count()).toBe(0);
  });
});

/** A clock that the test moves, a page that the test hides, and notifications that are counted instead of shown. */
async function withNotices(page: Page): Promise<void> {
  await page.clock.install();
  await page.addInitScript(() => {
    const world = Object.assign(globalThis, { notices: [] as string[][], hidden: false });
    Object.defineProperty(document, 'hidden', { get: () => world.hidden });
    class Counted {
      static permission = 'default';
      static requestPermission(): Promise<string> {
        Counted.permission = 'granted';
        return Promise.resolve('granted');
      }
      constructor(title: string, { body }: { body: string }) {
        world.notices.push([title, body]);
      }
    }
    Object.assign(globalThis, { Notification: Counted });
  });
}
