import { expect, it } from 'vitest';
import { givenStack } from '../support/stack.ts';
import { describeInBrowser, givenBrowser } from './browser.ts';

describeInBrowser('A duplicated tab', () => {
  const stack = givenStack();
  const browser = givenBrowser(stack);

  it('has a lane of its own, though the browser gives it a copy of the outbox; a reload keeps its lane', async () => {
    stack.script([{ chunks: ['answer'] }]);
    const session = stack.newSession();
    const original = await browser.open(session);
    await original.say('first');
    await original.answered();
    const outboxOf = (page: typeof original.page) =>
      page.evaluate((key): string | null => sessionStorage.getItem(key), `midturn:${session}`);
    const laneOf = async (page: typeof original.page) => JSON.parse((await outboxOf(page)) ?? '{}').lane;
    const lane = await laneOf(original.page);
    expect(lane).toEqual(expect.any(String));

    // As the browser's own "Duplicate": a window opened by a page begins with a copy of its storage.
    const [copy] = await Promise.all([
      original.page.context().waitForEvent('page'),
      original.page.evaluate('void open(location.href)'),
    ]);
    await copy.getByText('Connected', { exact: true }).waitFor();
    await expect.poll(() => laneOf(copy)).toEqual(expect.any(String));
    expect(await laneOf(copy)).not.toBe(lane);

    await original.reload();
    expect(await laneOf(original.page)).toBe(lane);
  });
});
