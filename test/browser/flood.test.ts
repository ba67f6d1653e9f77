import { expect, it } from 'vitest';
import { createGate } from '../support/model-server.ts';
import { givenStack } from '../support/stack.ts';
import { LONG_WAIT_MS } from '../support/timeouts.ts';
import { describeInBrowser, givenBrowser } from './browser.ts';

const MESSAGES = 200;
/** Of the lane's inbox, by default; the message that opens the turn is taken in before. */
const INBOX = 64;

describeInBrowser('200 messages at once', () => {
  const stack = givenStack();
  const browser = givenBrowser(stack);

  it('P1, P2: each is taken in or rejected, the page shows which, and stays at hand', async () => {
    const all = Array.from({ length: MESSAGES }, (_, i) => `message ${i + 1}`);
    const gate = createGate();
    stack.script([{ chunks: ['draft', gate] }, { chunks: ['final answer'] }]);
    const session = stack.newSession();
    const chat = await browser.open(session);
    await chat.say('message 1');
    await chat.shows('user: message 1', 'assistant: draft');
    await chat.field.evaluate(
      sendAll,
      all.filter((content) => content !== 'message 1'),
    );
    await chat.counts('rejected', MESSAGES - 1 - INBOX);
    await chat.counts('accepted', INBOX);
    // Whoever writes now still sees every letter.
    await chat.page.keyboard.type('still here');
    expect(await chat.field.inputValue()).toBe('still here');
    gate.open();
    await chat.counts('applied', INBOX + 1);
    await chat.answered();

    const lines = await chat.lines();
    const refusal = /^user, Not taken: too many messages are waiting: (message \d+)$/;
    const refused = lines.flatMap((line) => refusal.exec(line)?.[1] ?? []);
    const stored = await stack.stored.lines(session);
    expect(lines.filter((line) => !refusal.test(line))).toEqual(stored);
    const taken = stored.flatMap((line) => /^user: (.*)/.exec(line)?.[1] ?? []);
    expect([...taken, ...refused].toSorted()).toEqual(all.toSorted());
    expect(await chat.field.inputValue()).toBe('still here');

    // What was refused is not lost to its writer: sent again, it gets in as far as there is room, until all is in.
    let left = refused.length;
    stack.script((_, index) => ({ chunks: [`answer ${index}`] }));
    while (left > 0) {
      await chat.page.getByRole('button', { name: left > 1 ? 'Send all again' : 'Send again' }).click();
      await expect.poll(() => chat.pending(), { timeout: LONG_WAIT_MS }).toBe(0);
      await chat.answered();
      const after = await chat.refused();
      expect(after).toBeLessThan(left);
      left = after;
    }
    const sent = (await stack.stored.lines(session)).flatMap((line) => /^user: (.*)/.exec(line)?.[1] ?? []);
    expect(sent.toSorted()).toEqual(all.toSorted());
  });
});

/** Runs in the page: writes and sends each message before the page gets to breathe, faster than any keyboard. */
async function sendAll(field: EventTarget, contents: readonly string[]): Promise<void> {
  // The page's own framework watches the property of the element itself.
  const value = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(field), 'value');
  for (const content of contents) {
    value?.set?.call(field, content);
    field.dispatchEvent(new Event('input', { bubbles: true }));
    await Promise.resolve();
    const enter = new Event('keydown', { bubbles: true, cancelable: true });
    field.dispatchEvent(Object.assign(enter, { key: 'Enter' }));
    await Promise.resolve();
  }
}
