import { expect, it } from 'vitest';
import { end } from '../support/frames.ts';
import { givenStack } from '../support/stack.ts';
import { describeInBrowser, givenBrowser } from './browser.ts';

/** More than a page of 50 entries. */
const TURNS = 30;

describeInBrowser('A long conversation on the page', () => {
  const stack = givenStack();
  const browser = givenBrowser(stack);

  it('opens at its end; what is loaded above leaves what is being read where it is', async () => {
    stack.script((_, index) => ({ chunks: [`answer ${index + 1}`] }));
    const session = stack.newSession();
    const client = await stack.connect(session);
    for (let n = 1; n <= TURNS; n++) {
      client.send({ type: 'message', id: `m${n}`, content: `question ${n}` });
      await end(client, n);
    }
    const stored = await stack.stored.lines(session);
    // Three entries a turn: the question, the answer, and how it ended.
    const whole = Math.floor(50 / 3);
    const chat = await browser.open(session);
    const question = (n: number) => chat.page.locator('.bubble').getByText(`question ${n}`, { exact: true });
    await question(TURNS).waitFor();
    await chat.shows(...stored.slice(-(2 * whole + 1)));
    const top = async (n: number) => (await question(n).boundingBox())?.y ?? Number.NaN;
    expect(await top(TURNS)).toBeLessThan(chat.page.viewportSize()?.height ?? 0);

    const earlier = chat.page.getByRole('button', { name: 'Show earlier messages' });
    await earlier.scrollIntoViewIfNeeded();
    const oldest = TURNS - whole + 1;
    const before = await top(oldest);
    await earlier.click();
    await chat.shows(...stored);
    // Subpixels may round either way.
    expect(Math.abs((await top(oldest)) - before)).toBeLessThan(2);
  });
});
