import { expect, it } from 'vitest';
import { givenStack } from '../support/stack.ts';
import { barriers } from './barriers.ts';
import { describeInBrowser, givenBrowser } from './browser.ts';
import type { ChatPage } from './chat-page.ts';

describeInBrowser('Another wording and another answer on the page', () => {
  const stack = givenStack();
  const browser = givenBrowser(stack);
  const edit = ({ page }: ChatPage, content: string) =>
    page.getByRole('button', { name: `Edit and ask in a new conversation: “${content}”` });
  const again = ({ page }: ChatPage) =>
    page.getByRole('button', { name: 'Answer again in a new conversation' });
  const origin = ({ page }: ChatPage) => page.getByRole('link', { name: 'another one' });
  const sessionOf = ({ page }: ChatPage) =>
    new URLSearchParams(new URL(page.url()).hash.slice(1)).get('session');
  const told = (...answers: string[]) => stack.script(answers.map((answer) => ({ chunks: [answer] })));

  it('an edited message is asked in a new conversation, which links to the first one; that stays as it is', async () => {
    told('Bread.', 'Tea.', 'Coffee.');
    const session = stack.newSession();
    const chat = await browser.open(session, { viewport: { width: 320, height: 640 } });
    await chat.say('to eat');
    await chat.answered();
    await chat.say('to drink');
    await chat.shows('user: to eat', 'assistant: Bread.', 'user: to drink', 'assistant: Tea.');
    await chat.answered();

    await edit(chat, 'to drink').press('Enter');
    const field = chat.page.getByRole('textbox', { name: 'Another wording of the message' });
    expect(await field.inputValue()).toBe('to drink');
    expect(await barriers(chat)).toEqual([]);
    const box = await field.boundingBox();
    expect((box?.x ?? 0) + (box?.width ?? 321)).toBeLessThanOrEqual(320);
    await field.press('Escape');
    await field.waitFor({ state: 'detached' });
    // Who uses the keyboard goes on where they were.
    expect(await edit(chat, 'to drink').evaluate((button) => button.matches(':focus'))).toBe(true);
    await edit(chat, 'to drink').press('Enter');
    await field.fill('to drink in the morning');
    await field.press('Enter');

    const forked = [
      'user: to eat',
      'assistant: Bread.',
      'user: to drink in the morning',
      'assistant: Coffee.',
    ];
    await chat.shows(...forked);
    const fork = sessionOf(chat);
    expect(fork).not.toBe(session);
    await chat.reload();
    await chat.shows(...forked);
    expect(await stack.stored.lines(String(fork))).toEqual(forked);

    await origin(chat).click();
    await chat.shows('user: to eat', 'assistant: Bread.', 'user: to drink', 'assistant: Tea.');
    expect(sessionOf(chat)).toBe(session);
    await origin(chat).waitFor({ state: 'detached' });
  });

  it('an answer is given again in a new conversation, from the message that it answers; also of the first one', async () => {
    told('One.', 'Two.');
    const session = stack.newSession();
    const chat = await browser.open(session);
    await chat.say('a number');
    await chat.answered();
    await again(chat).click();
    await chat.shows('user: a number', 'assistant: Two.');
    expect(sessionOf(chat)).not.toBe(session);
    expect(await stack.stored.lines(session)).toEqual(['user: a number', 'assistant: One.']);
    await chat.page.goBack();
    await chat.shows('user: a number', 'assistant: One.');
  });
});
