import type { Page } from 'playwright-core';
import { expect, it } from 'vitest';
import { createGate } from '../support/model-server.ts';
import { givenStack } from '../support/stack.ts';
import { LONG_WAIT_MS } from '../support/timeouts.ts';
import { describeInBrowser, givenBrowser } from './browser.ts';

/** The events of a key that an input method takes, as browsers send them. */
const TAKEN = [
  ['while it composes', { isComposing: true, keyCode: 229 }],
  // WebKit bug 165004: the composition has ended before the key that ended it.
  ['by Safari, after it composed', { isComposing: false, keyCode: 229 }],
] as const;

type Key = { key: string; isComposing: boolean; keyCode: number };

/** Runs in the page. */
function press(field: EventTarget, { key, isComposing, keyCode }: Key): void {
  const event = new Event('keydown', { bubbles: true, cancelable: true });
  field.dispatchEvent(Object.assign(event, { key, isComposing, keyCode }));
}

describeInBrowser('An input method', () => {
  const stack = givenStack();
  const browser = givenBrowser(stack);

  it.each(TAKEN)(
    'has Enter and Escape for itself %s: nothing is sent, stopped or renamed',
    async (when, taken) => {
      // The list of sessions is the same for both.
      const renamed = `日本 ${when}`;
      const gate = createGate();
      const model = stack.script([{ chunks: ['draft', gate, ' ends'] }, { chunks: ['so'] }]);
      const chat = await browser.open(stack.newSession());
      await chat.say('first');
      await chat.shows('user: first', 'assistant: draft');
      await chat.field.fill('にほん');
      await chat.field.evaluate(press, { key: 'Enter', ...taken });
      await chat.field.evaluate(press, { key: 'Escape', ...taken });
      expect(await chat.field.inputValue()).toBe('にほん');
      gate.open();
      await chat.answered();
      // It was not stopped.
      await chat.shows('user: first', 'assistant: draft ends');
      await chat.field.press('Enter');
      await chat.shows('user: first', 'assistant: draft ends', 'user: にほん', 'assistant: so');
      expect(model.prompt(2).at(-1)).toBe('user: にほん');

      // What sits in the row is there for who points at it.
      await chat.page.getByRole('link', { name: 'first', exact: true }).hover();
      await chat.page.getByRole('button', { name: 'Rename “first”', exact: true }).click();
      const name = chat.page.getByRole('textbox', { name: 'Name of the conversation' });
      await name.fill(renamed);
      await name.evaluate(press, { key: 'Enter', ...taken });
      await name.evaluate(press, { key: 'Escape', ...taken });
      expect(await name.inputValue()).toBe(renamed);
      await name.press('Enter');
      // One press is one rename: the field is gone, and stays so.
      await name.waitFor({ state: 'detached' });
      await expect
        .poll(() => chat.page.getByRole('button', { name: `Rename “${renamed}”` }).count(), {
          timeout: LONG_WAIT_MS,
        })
        .toBe(1);
      expect(await name.count()).toBe(0);
    },
  );
});

/** Characters: the room that a text has left, what the frame adds to it, and a block that begins there. */
const MOST_IN_A_FRAME = 10_000;

/** Runs in the page: counts the characters of answers that one painted frame has more than the one before. */
const WATCH_GROWTH = `
  globalThis.mostInAFrame = 0;
  let before = 0;
  const look = () => {
    let shown = 0;
    for (const prose of document.querySelectorAll('.prose')) shown += prose.textContent.length;
    mostInAFrame = Math.max(mostInAFrame, shown - before);
    before = shown;
    requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
`;

describeInBrowser('A long answer', () => {
  const stack = givenStack();
  const browser = givenBrowser(stack);

  it('is shown whole and in its order, though no painted frame adds more than a part of it', async () => {
    const parts = Array.from(
      { length: 300 },
      (_, i) => `## Part ${i + 1}\n\n${'Some words. '.repeat(30)}\n\n- an item\n\n`,
    );
    const expected = parts.map((_, i) => `Part ${i + 1}`);
    // All at once: more than the page may show in one frame.
    stack.script([{ chunks: [parts.join('')] }]);
    const prepare = async (page: Page): Promise<void> => {
      await page.addInitScript(WATCH_GROWTH);
    };
    const chat = await browser.open(stack.newSession(), { prepare });
    const headings = () => chat.page.locator('article h2').allTextContents();
    await chat.say('go');
    await chat.answered();
    await expect.poll(headings, { timeout: LONG_WAIT_MS }).toEqual(expected);
    expect(await chat.page.evaluate('mostInAFrame')).toBeLessThan(MOST_IN_A_FRAME);
  });
});
