import { expect, it } from 'vitest';
import { createGate } from '../support/model-server.ts';
import { givenStack } from '../support/stack.ts';
import { barriers } from './barriers.ts';
import { describeInBrowser, givenBrowser } from './browser.ts';
import type { ChatPage } from './chat-page.ts';

describeInBrowser('The menu and the keyboard shortcuts of the page', () => {
  const stack = givenStack();
  const browser = givenBrowser(stack);
  const viewport = { width: 320, height: 640 };
  const more = ({ page }: ChatPage) => page.getByRole('button', { name: 'More', exact: true });
  const focused = ({ page }: ChatPage) => page.locator(':focus').getAttribute('aria-label');
  const dialog = ({ page }: ChatPage) => page.getByRole('dialog', { name: 'Keyboard shortcuts' });

  /** An answer that is held: a test sees whether Escape stops it. */
  async function givenAnswer(chat: ChatPage) {
    const gate = createGate();
    stack.script([{ chunks: ['half', gate, ' whole'] }]);
    await chat.say('first');
    await chat.shows('user: first', 'assistant: half');
    return async () => {
      gate.open();
      await chat.shows('user: first', 'assistant: half whole');
    };
  }

  it('the menu is used by keyboard, and Escape closes it alone', async () => {
    const chat = await browser.open(stack.newSession(), { viewport, reducedMotion: 'reduce' });
    const goesOn = await givenAnswer(chat);
    await more(chat).press('Enter');
    expect(await more(chat).getAttribute('aria-expanded')).toBe('true');
    expect(await barriers(chat)).toEqual([]);
    await chat.page.keyboard.press('Tab');
    expect(await chat.page.locator(':focus').textContent()).toContain('Keyboard shortcuts');
    await chat.page.keyboard.press('Escape');
    expect(await more(chat).getAttribute('aria-expanded')).toBe('false');
    expect(await focused(chat)).toBe('More');
    await goesOn();
  });

  it.each(['ltr', 'rtl'])(
    'the menu is inside a screen of 320 px (%s), and closes by a press beside it',
    async (dir) => {
      const chat = await browser.open(stack.newSession(), { viewport });
      await chat.page.evaluate(`document.documentElement.dir = '${dir}'`);
      await more(chat).click();
      const box = await chat.page.locator('.menu-items').boundingBox();
      expect(box?.x).toBeGreaterThanOrEqual(0);
      expect((box?.x ?? 0) + (box?.width ?? viewport.width)).toBeLessThanOrEqual(viewport.width);
      await chat.page.getByRole('region', { name: 'Conversation' }).click();
      await chat.page.locator('.menu-items').waitFor({ state: 'detached' });
    },
  );

  it('? lists the shortcuts, from the menu too; Escape closes the list alone and gives the focus back', async () => {
    const chat = await browser.open(stack.newSession(), { viewport, reducedMotion: 'reduce' });
    const goesOn = await givenAnswer(chat);
    await more(chat).focus();
    await chat.page.keyboard.press('?');
    await dialog(chat).waitFor();
    expect(await dialog(chat).locator('kbd').allTextContents()).toContain('Escape');
    expect(await barriers(chat)).toEqual([]);
    await chat.page.keyboard.press('Escape');
    await dialog(chat).waitFor({ state: 'detached' });
    expect(await focused(chat)).toBe('More');
    await chat.choose('Keyboard shortcuts');
    await dialog(chat).getByRole('button', { name: 'Close the keyboard shortcuts' }).click();
    await dialog(chat).waitFor({ state: 'detached' });
    await goesOn();
  });

  it('? can be turned off, also for later visits, and on again; the menu opens the list as before', async () => {
    const chat = await browser.open(stack.newSession(), { viewport, reducedMotion: 'reduce' });
    const choice = dialog(chat).getByRole('checkbox', { name: '? opens this list' });
    const question = async () => {
      await more(chat).press('?');
      return dialog(chat).count();
    };
    await chat.choose('Keyboard shortcuts');
    expect(await choice.isChecked()).toBe(true);
    await choice.press('Space');
    await chat.page.keyboard.press('Escape');
    await dialog(chat).waitFor({ state: 'detached' });
    expect(await question()).toBe(0);
    await chat.reload();
    expect(await question()).toBe(0);
    await chat.choose('Keyboard shortcuts');
    expect(await choice.isChecked()).toBe(false);
    expect(await barriers(chat)).toEqual([]);
    await choice.check();
    await chat.page.keyboard.press('Escape');
    await dialog(chat).waitFor({ state: 'detached' });
    expect(await question()).toBe(1);
  });

  it('a ? that is written is text', async () => {
    const chat = await browser.open(stack.newSession());
    await chat.field.press('?');
    expect(await chat.field.inputValue()).toBe('?');
    expect(await dialog(chat).count()).toBe(0);
  });
});
