import { createRequire } from 'node:module';
import type axe from 'axe-core';
import { expect, it } from 'vitest';
import { createGate } from '../support/model-server.ts';
import { givenStack } from '../support/stack.ts';
import { describeInBrowser, givenBrowser } from './browser.ts';
import type { ChatPage } from './chat-page.ts';

const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js');

/** What axe-core finds serious or critical, one line each. */
async function barriers({ page }: ChatPage): Promise<string[]> {
  if (!(await page.evaluate(() => 'axe' in globalThis))) await page.addScriptTag({ path: AXE });
  const { violations } = await page.evaluate(() =>
    (globalThis as unknown as { axe: typeof axe }).axe.run({ resultTypes: ['violations'] }),
  );
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, nodes }) => nodes.map(({ html, any }) => `${id}: ${html} ${any[0]?.message ?? ''}`));
}

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
          'A [link](https://example.org), `code`\n\n```\nand a block\n```\n\n|a|b|\n|-|-|\n|1|2|\n\nend',
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
    await chat.page.getByRole('button', { name: 'Raw frames', exact: true }).click();
    await chat.cut();
    expect(await barriers(chat)).toEqual([]);
    await chat.connectAgain();
    await chat.stopButton.click();
    await chat.page.getByText('Stopped. What was said is kept.').first().waitFor();
    expect(await barriers(chat)).toEqual([]);
  });

  it('nor on a narrow screen, where nothing is wider than it', async () => {
    const viewport = { width: 360, height: 740 };
    const chat = await browser.open(stack.newSession(), { viewport, reducedMotion: 'reduce' });
    await givenConversation(chat);
    expect(await barriers(chat)).toEqual([]);
    expect(
      await chat.page.locator('html').evaluate(({ scrollWidth }: { scrollWidth: number }) => scrollWidth),
    ).toBe(viewport.width);
    await chat.page.getByRole('button', { name: 'Show the list of sessions' }).click();
    expect(await barriers(chat)).toEqual([]);
  });
});
