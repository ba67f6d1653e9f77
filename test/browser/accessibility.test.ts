import { expect, it } from 'vitest';
import { createGate } from '../support/model-server.ts';
import { givenStack } from '../support/stack.ts';
import { barriers } from './barriers.ts';
import { describeInBrowser, givenBrowser } from './browser.ts';
import type { ChatPage } from './chat-page.ts';

describeInBrowser('Accessibility of the page', () => {
  const stack = givenStack();
  const browser = givenBrowser(stack);

  /** A conversation with one of everything in it, held open in mid-answer. */
  async function givenConversation(chat: ChatPage) {
    const [first, second] = [createGate(), createGate()];
    stack.script([
      {
        thinking: ['Let me think.'],
        chunks: ['**Let me** see', first],
        toolCalls: [
          { name: 'current_time', args: {} },
          { name: 'unknown', args: {} },
        ],
      },
      {
        chunks: [
          'A [link](https://example.org), `code`\n\n```\nand a block\n```\n\n- [x] done\n\n|a|b|\n|-|-|\n|1|2|\n\nend',
          second,
        ],
      },
    ]);
    await chat.say('first');
    await chat.page.locator('.prose').waitFor();
    await chat.say('steering');
    await chat.notes('steering', /^Accepted/);
    await chat.say('withdrawn');
    await chat.notes('withdrawn', /^Accepted/);
    await chat.page.getByRole('button', { name: 'Withdraw “withdrawn”' }).click();
    await chat.notes('withdrawn', 'Withdrawn');
    first.open();
    await chat.page.locator('.prose table').waitFor();
    await chat.say('waiting');
    await chat.notes('waiting', /^Accepted/);
    for (const summary of await chat.page.locator('summary').all()) await summary.click();
  }

  it.each(['light', 'dark'] as const)('axe finds nothing serious at any stage (%s)', async (colorScheme) => {
    const session = stack.newSession();
    const chat = await browser.open(session, { colorScheme, reducedMotion: 'reduce' });
    expect(await barriers(chat)).toEqual([]);
    await givenConversation(chat);
    expect(await barriers(chat)).toEqual([]);
    await chat.choose('Raw frames');
    await chat.cut();
    expect(await barriers(chat)).toEqual([]);
    await chat.connectAgain();
    await chat.stopButton.click();
    await chat.page.getByText('Stopped. What was said is kept.').first().waitFor();
    expect(await barriers(chat)).toEqual([]);
  });

  it('nor on a narrow screen, nor at 200 %, where nothing is wider than the screen', async () => {
    const viewport = { width: 320, height: 640 };
    const chat = await browser.open(stack.newSession(), { viewport, reducedMotion: 'reduce' });
    await givenConversation(chat);
    expect(await barriers(chat)).toEqual([]);
    const width = () =>
      chat.page.locator('html').evaluate(({ scrollWidth }: { scrollWidth: number }) => scrollWidth);
    expect(await width()).toBe(viewport.width);
    expect(await overlapping(chat, '.composer-bar :is(button, label span)')).toEqual([]);
    // What a screen of 1280 by 800 has room for at 200 %.
    await chat.page.setViewportSize({ width: 640, height: 400 });
    expect(await barriers(chat)).toEqual([]);
    expect(await width()).toBe(640);
    expect(await overlapping(chat, '.composer-bar :is(button, label span)')).toEqual([]);
    await chat.page.setViewportSize(viewport);
    await chat.choose('Raw frames');
    await chat.page.locator('.frame summary').first().click();
    expect(await barriers(chat)).toEqual([]);
    expect(await width()).toBe(viewport.width);
    await chat.page.getByRole('button', { name: 'Hide raw frames' }).click();
    await chat.page.getByRole('button', { name: 'Show the list of sessions' }).click();
    expect(await barriers(chat)).toEqual([]);
  });
});

/** Pairs of these elements of which one lies on the other, by their names. */
async function overlapping({ page }: ChatPage, selector: string): Promise<string[]> {
  const boxes = await Promise.all(
    (await page.locator(selector).all()).map(async (element) => ({
      name: (await element.getAttribute('aria-label')) ?? (await element.innerText()),
      ...((await element.boundingBox()) ?? { x: 0, y: 0, width: 0, height: 0 }),
    })),
  );
  expect(boxes.length).toBeGreaterThan(1);
  return boxes.flatMap((a, i) =>
    boxes.slice(i + 1).flatMap((b) => {
      const isApart =
        a.x + a.width <= b.x || b.x + b.width <= a.x || a.y + a.height <= b.y || b.y + b.height <= a.y;
      return isApart ? [] : [`${a.name} and ${b.name}`];
    }),
  );
}
