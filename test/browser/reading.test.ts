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
});
