import type { Page } from 'playwright-core';
import { expect, it } from 'vitest';
import { createGate } from '../support/model-server.ts';
import { givenStack } from '../support/stack.ts';
import { describeInBrowser, givenBrowser } from './browser.ts';

const LONG = Array.from({ length: 60 }, (_, i) => `Paragraph ${i + 1}.\n\n`).join('');

describeInBrowser('The page', () => {
  const stack = givenStack();
  const browser = givenBrowser(stack);

  it('shows markdown, and HTML as the text that it is', async () => {
    const html = '<img src=x onerror="document.title=1"><script>document.title=2</script>';
    const markdown = `Some **bold** text.\n\n\`\`\`js\nlet a;\n\`\`\`\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n${html}`;
    stack.script([{ chunks: [markdown] }]);
    const chat = await browser.open(stack.newSession());
    await chat.say('first');
    const prose = chat.page.locator('.prose');
    await prose.waitFor();
    await chat.answered();
    expect(await prose.locator('strong').textContent()).toBe('bold');
    expect(await prose.locator('pre code').textContent()).toBe('let a;\n');
    expect(await prose.locator('td').allTextContents()).toEqual(['1', '2']);
    expect(await prose.textContent()).toContain(html);
    expect(await prose.locator('img, script').count()).toBe(0);
  });

  it('follows the answer until its reader scrolls up, and then says that there is more below', async () => {
    const gate = createGate();
    stack.script([{ chunks: [LONG, gate, 'The end.'] }]);
    const chat = await browser.open(stack.newSession());
    const { page } = chat;
    const fromEnd = () =>
      page
        .locator('.conversation')
        .evaluate(
          ({
            scrollHeight,
            scrollTop,
            clientHeight,
          }: Record<'scrollHeight' | 'scrollTop' | 'clientHeight', number>) =>
            scrollHeight - scrollTop - clientHeight,
        );
    await chat.say('first');
    await page.getByText('Paragraph 60.').waitFor();
    await expect.poll(fromEnd).toBeLessThan(2);
    await page.getByText('Paragraph 60.').hover();
    await page.mouse.wheel(0, -1500);
    await page.getByRole('button', { name: 'To the end' }).waitFor();
    const before = await fromEnd();
    gate.open();
    await page.getByRole('button', { name: 'New below' }).click();
    expect(before).toBeGreaterThan(1000);
    await expect.poll(fromEnd).toBeLessThan(2);
    expect(await page.getByRole('button', { name: /New below|To the end/ }).count()).toBe(0);
  });

  it('is used by keyboard: a link past the list, new lines, and Escape for what is in front', async () => {
    const gate = createGate();
    stack.script([{ chunks: ['half', gate, ' whole'] }]);
    const sent: string[] = [];
    const prepare = async (page: Page) => {
      page.on('websocket', (socket) => socket.on('framesent', ({ payload }) => sent.push(String(payload))));
    };
    const viewport = { width: 360, height: 640 };
    const chat = await browser.open(stack.newSession(), { viewport, prepare });
    const { page } = chat;
    await chat.field.press('a');
    await chat.field.press('Shift+Enter');
    await chat.field.press('b');
    expect(await chat.field.inputValue()).toBe('a\nb');
    await chat.field.press('Enter');
    await chat.shows('user: a\nb', 'assistant: half');

    await page.getByRole('button', { name: 'Show the list of sessions' }).click();
    const focused = () => page.locator(':focus').getAttribute('aria-label');
    expect(await focused()).toBe('Close the list of sessions');
    await page.keyboard.press('Escape');
    expect(await focused()).toBe('Show the list of sessions');
    await chat.shows('user: a\nb', 'assistant: half');
    gate.open();
    await chat.answered();
    await chat.shows('user: a\nb', 'assistant: half whole');
    expect(sent.map((frame) => JSON.parse(frame).type)).not.toContain('abort');

    await page.locator('body').press('Home');
    await page.getByRole('button', { name: 'Skip to the message field' }).focus();
    await page.keyboard.press('Enter');
    expect(await focused()).toBe('Message');
  });

  it('says what to try, keeps sessions apart, and finds them again', async () => {
    stack.script([{ chunks: ['A tale.'] }, { chunks: ['Another.'] }]);
    const chat = await browser.open(stack.newSession());
    const { page } = chat;
    await page.getByRole('button', { name: 'A long story about lighthouses' }).click();
    await chat.shows('user: A long story about lighthouses', 'assistant: A tale.');
    await page.getByRole('button', { name: 'New conversation', exact: true }).click();
    await page.getByText('Say something. Then say more.').waitFor();
    await chat.say('second');
    await chat.shows('user: second', 'assistant: Another.');
    await chat.answered();
    await page.getByRole('link', { name: 'A long story about lighthouses' }).click();
    await chat.shows('user: A long story about lighthouses', 'assistant: A tale.');
  });

  it('shows the frames as they went over the wire, whole if asked', async () => {
    stack.script([{ chunks: ['answer'] }]);
    const chat = await browser.open(stack.newSession());
    const { page } = chat;
    await chat.choose('Raw frames');
    await chat.say('first');
    await chat.shows('user: first', 'assistant: answer');
    await chat.answered();
    const panel = page.getByRole('complementary', { name: 'Raw frames' });
    await panel.getByText('done', { exact: true }).waitFor();
    expect(await panel.locator('.frame strong').allTextContents()).toEqual(
      expect.arrayContaining(['connect', 'session_start', 'message', 'accepted', 'chunk', 'done']),
    );
    const done = panel.locator('.frame').filter({ has: page.getByText('done', { exact: true }) });
    await done.locator('summary').click();
    const text = await done.locator('code').textContent();
    expect(JSON.parse(text ?? '')).toMatchObject({ type: 'done', full_response: 'answer' });
  });

  it('is light or dark as the system is, or as its reader chose', async () => {
    const chat = await browser.open(stack.newSession(), { colorScheme: 'light' });
    const { page } = chat;
    const paper = () => page.locator('body').evaluate('getComputedStyle(document.body).backgroundColor');
    const light = await paper();
    await page.emulateMedia({ colorScheme: 'dark' });
    const dark = await paper();
    expect(dark).not.toBe(light);
    await page.getByRole('button', { name: /^Colours: as the system/ }).click();
    await page.getByRole('button', { name: /^Colours: dark/ }).click();
    expect(await paper()).toBe(light);
    await chat.reload();
    expect(await paper()).toBe(light);
  });

  it('works where the browser blocks its storage', async () => {
    stack.script([{ chunks: ['whole'] }]);
    const chat = await browser.open(stack.newSession(), { prepare: withoutStorage });
    await chat.say('first');
    await chat.answered();
    await chat.shows('user: first', 'assistant: whole');
    await chat.page.getByRole('button', { name: /^Colours: as the system/ }).click();
    await chat.page.getByRole('button', { name: /^Colours: dark/ }).waitFor();
  });

  it('works under the security policy of its deployment', async () => {
    stack.script([{ chunks: ['answer with `code`'] }]);
    const chat = await browser.open(stack.newSession(), { expects: /elsewhere\.invalid/ });
    await chat.say('first');
    await chat.shows('user: first', 'assistant: answer with code');
    await chat.answered();
    // The policy is in force: what it does not name is blocked.
    const elsewhere = chat.page.evaluate(
      "fetch('https://elsewhere.invalid').then(() => 'sent', () => 'blocked')",
    );
    expect(await elsewhere).toBe('blocked');
  });
});

/** As Chromium does where its user blocks the data of pages. */
async function withoutStorage(page: Page): Promise<void> {
  await page.addInitScript(() => {
    for (const name of ['localStorage', 'sessionStorage'])
      Object.defineProperty(globalThis, name, {
        get: () => {
          throw new DOMException('Access is denied for this document.', 'SecurityError');
        },
      });
  });
}
