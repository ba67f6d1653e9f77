import { expect, it } from 'vitest';
import { givenStack } from '../support/stack.ts';
import { barriers } from './barriers.ts';
import { describeInBrowser, givenBrowser } from './browser.ts';

const TOKEN = 'a-token-of-ann';

describeInBrowser('A server that asks who is there', () => {
  const stack = givenStack({ settings: { MIDTURN_AUTH: 'tokens', MIDTURN_TOKENS: `${TOKEN}=acme/ann` } });
  const browser = givenBrowser(stack);

  it('is answered by a token from a field, which is kept for this tab and is in no address', async () => {
    stack.script([{ chunks: ['Welcome.'] }]);
    const chat = await browser.open(stack.newSession(), {
      connects: false,
      expects: /^WebSocket connection/,
    });
    const { page } = chat;
    const addresses: string[] = [];
    page.on('websocket', (socket) => addresses.push(socket.url()));
    await page.getByText('No connection yet.').waitFor();
    await chat.say('first');
    await chat.shows('user, Sending…: first');
    expect(await barriers(chat)).toEqual([]);

    await page.getByLabel('Access token').fill(TOKEN);
    await page.getByRole('button', { name: 'Connect', exact: true }).click();
    await chat.shows('user: first', 'assistant: Welcome.');
    await page.getByLabel('Access token').waitFor({ state: 'detached' });
    await chat.reload();
    await chat.shows('user: first', 'assistant: Welcome.');

    expect(addresses.length).toBeGreaterThan(1);
    expect([page.url(), ...addresses].join()).not.toContain(TOKEN);
    expect(await page.evaluate('JSON.stringify(localStorage)')).not.toContain(TOKEN);
  });
});
