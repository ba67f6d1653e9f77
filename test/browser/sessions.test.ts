import { readFile } from 'node:fs/promises';
import type { WebSocketRoute } from 'playwright-core';
import { expect, it } from 'vitest';
import { createGate } from '../support/model-server.ts';
import { givenStack } from '../support/stack.ts';
import { barriers } from './barriers.ts';
import { describeInBrowser, givenBrowser } from './browser.ts';
import type { ChatPage } from './chat-page.ts';

/** P3, P9 and P12 on the page, where a session is more than one device's. */
describeInBrowser('The list of sessions', () => {
  const stack = givenStack();
  const browser = givenBrowser(stack);

  /** One turn, in a browser of its own; the session has got its name from it. */
  async function given(content: string, session = stack.newSession()): Promise<ChatPage> {
    stack.script(() => ({ chunks: ['Soup.'] }));
    const { promise: isNamed, resolve } = Promise.withResolvers<void>();
    const chat = await browser.open(session, {
      prepare: async (page) => {
        page.on('websocket', (socket) =>
          socket.on('framereceived', ({ payload }) => {
            if (String(payload).includes('"type":"renamed"')) resolve();
          }),
        );
      },
    });
    await chat.say(content);
    await chat.shows(`user: ${content}`, 'assistant: Soup.');
    await chat.answered();
    await isNamed;
    return chat;
  }
  const link = ({ page }: ChatPage, name: string) => page.getByRole('link', { name, exact: true });
  const button = ({ page }: ChatPage, name: string) => page.getByRole('button', { name, exact: true });
  const nameField = ({ page }: ChatPage) => page.getByRole('textbox', { name: 'Name of the conversation' });
  /** What sits in the row is there for who points at it. */
  async function act(chat: ChatPage, name: string, action: string) {
    await link(chat, name).hover();
    await button(chat, action).click();
  }

  it('is the same in another browser, which sees names as they are given', async () => {
    const here = await given('What shall we cook?');
    const there = await browser.open(stack.newSession());
    await link(there, 'What shall we cook?').click();
    await there.shows('user: What shall we cook?', 'assistant: Soup.');
    await act(there, 'What shall we cook?', 'Rename “What shall we cook?”');
    await nameField(there).fill('Dinner');
    await nameField(there).press('Enter');
    await link(here, 'Dinner').waitFor();
    await here.page.getByRole('heading', { name: 'Dinner' }).waitFor();
    await here.reload();
    await link(here, 'Dinner').waitFor();
  });

  it('of another session, it is up to date when the reader comes back to the page', async () => {
    const here = await given('Where to?');
    const there = await browser.open(stack.newSession());
    await act(there, 'Where to?', 'Rename “Where to?”');
    await nameField(there).fill('Journey');
    // Leaving the field takes the name, too.
    await there.field.click();
    await link(here, 'Journey').waitFor();
    await act(here, 'Journey', 'Rename “Journey”');
    await nameField(here).fill('Rome');
    await nameField(here).press('Enter');
    await here.page.getByRole('heading', { name: 'Rome' }).waitFor();
    await there.page.evaluate("dispatchEvent(new Event('focus'))");
    await link(there, 'Rome').waitFor();
  });

  it('a session is saved as a file of JSON lines', async () => {
    const session = stack.newSession();
    const chat = await given('A recipe?', session);
    const download = chat.page.waitForEvent('download');
    await act(chat, 'A recipe?', 'Save “A recipe?” as a file');
    const file = await download;
    expect(file.suggestedFilename()).toMatch(/^A recipe.?\.jsonl$/);
    const lines = (await readFile(await file.path(), 'utf8')).trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      { type: 'session', session_id: session, name: 'A recipe?' },
      { type: 'entry', role: 'user', content: 'A recipe?' },
      { type: 'entry', role: 'assistant', content: 'Soup.' },
      { type: 'entry', role: 'event', event: { type: 'done' } },
    ]);
    await chat.page.getByText('“A recipe?” was saved as a file.').waitFor();
  });

  it('a session deleted while it answers is gone for all: its answer ends, and another browser is told', async () => {
    const session = stack.newSession();
    const here = await given('Tell me all', session);
    const there = await browser.open(session);
    stack.script([{ chunks: ['All of', createGate(), ' never said'] }]);
    await here.say('Go on');
    const answered = ['user: Tell me all', 'assistant: Soup.', 'user: Go on', 'assistant: All of'];
    await there.shows(...answered);

    await act(here, 'Tell me all', 'Delete “Tell me all”');
    await here.page.keyboard.press('Escape');
    await here.page.getByRole('dialog').waitFor({ state: 'detached' });
    expect(await here.stopButton.isEnabled()).toBe(true);

    await act(here, 'Tell me all', 'Delete “Tell me all”');
    const dialog = here.page.getByRole('dialog', { name: 'Delete “Tell me all”?' });
    await dialog.getByRole('button', { name: 'Delete' }).click();
    await here.page.getByText('Say something. Then say more.').waitFor();
    await link(here, 'Tell me all').waitFor({ state: 'detached' });

    await there.page.getByText('This conversation was deleted.').waitFor();
    await there.page.getByText('SESSION_DELETED').waitFor();
    await there.shows(...answered);
    expect(await there.page.getByRole('alert').count()).toBe(0);
    expect(await there.page.getByText('What was said is kept.').count()).toBe(0);
    await link(there, 'Tell me all').waitFor({ state: 'detached' });
    await button(there, 'Begin a new one').click();
    await there.page.getByText('Say something. Then say more.').waitFor();
    await there.page.getByText('Connected', { exact: true }).waitFor();
    expect(await link(there, 'Tell me all').count()).toBe(0);
  });

  it('a held key counts once: Enter renames and no more, Escape closes what is in front and no more', async () => {
    const session = stack.newSession();
    const chat = await given('Held', session);
    const { keyboard } = chat.page;
    const hold = async (key: string) => {
      // The same key goes down again and again, as it does by itself while it is held.
      for (let times = 0; times < 4; times += 1) await keyboard.down(key);
      await keyboard.up(key);
    };
    await act(chat, 'Held', 'Rename “Held”');
    await nameField(chat).fill('Let go');
    await hold('Enter');
    await link(chat, 'Let go').waitFor();
    expect(await nameField(chat).count()).toBe(0);

    stack.script([{ chunks: ['half', createGate(), ' never said'] }]);
    await chat.say('Go on');
    await chat.shows('user: Held', 'assistant: Soup.', 'user: Go on', 'assistant: half');
    await act(chat, 'Let go', 'Delete “Let go”');
    await chat.page.getByRole('dialog').waitFor();
    await hold('Escape');
    await chat.page.getByRole('dialog').waitFor({ state: 'detached' });
    expect(await chat.stopButton.isEnabled()).toBe(true);
    await chat.stopButton.click();
    await chat.answered();
  });

  it('a press counts between the end of a dialog and the event that tells of it', async () => {
    const chat = await given('Pressed at once');
    const ask = button(chat, 'Delete “Pressed at once”');
    await act(chat, 'Pressed at once', 'Delete “Pressed at once”');
    // Escape closes the dialog and gives the focus back. The browser sends `close` in a later task.
    await ask.evaluate((element) => {
      const { document } = globalThis as unknown as {
        document: { querySelector(selector: string): EventTarget & { close(): void } };
      };
      const dialog = document.querySelector('dialog');
      const told = new Promise((resolve) => dialog.addEventListener('close', resolve));
      dialog.close();
      (element as unknown as { click(): void }).click();
      return told;
    });
    const dialog = chat.page.getByRole('dialog');
    expect(await dialog.isVisible()).toBe(true);
    await dialog.getByRole('button', { name: 'Keep it' }).click();
    await dialog.waitFor({ state: 'detached' });
    await link(chat, 'Pressed at once').waitFor();
  });

  it('a name that nobody typed renames nothing: the field was open while another device renamed', async () => {
    const here = await given('Before');
    const there = await browser.open(stack.newSession());
    await link(there, 'Before').waitFor();
    await act(here, 'Before', 'Rename “Before”');
    await nameField(here).waitFor();
    await act(there, 'Before', 'Rename “Before”');
    await nameField(there).fill('After');
    await nameField(there).press('Enter');
    await here.page.getByRole('heading', { name: 'After' }).waitFor();
    await here.field.click();
    await nameField(here).waitFor({ state: 'detached' });
    await link(here, 'After').waitFor();
    await there.page.evaluate("dispatchEvent(new Event('focus'))");
    await here.reload();
    await link(here, 'After').waitFor();
  });

  it('says what was refused, and shows the list as it is', async () => {
    const here = await given('Ephemeral');
    const there = await browser.open(stack.newSession());
    await link(there, 'Ephemeral').waitFor();
    await act(here, 'Ephemeral', 'Delete “Ephemeral”');
    await here.page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
    await link(here, 'Ephemeral').waitFor({ state: 'detached' });
    await act(there, 'Ephemeral', 'Rename “Ephemeral”');
    await nameField(there).fill('Eternal');
    await nameField(there).press('Enter');
    await there.page
      .getByRole('alert')
      .getByText('“Ephemeral” could not be renamed. There is no such session.')
      .waitFor();
    await link(there, 'Ephemeral').waitFor({ state: 'detached' });
    expect(await barriers(there)).toEqual([]);
    await button(there, 'Dismiss').click();
    await there.page.getByRole('alert').waitFor({ state: 'detached' });
  });

  it.each(['light', 'dark'] as const)(
    'is used by keyboard, and axe finds nothing serious (%s)',
    async (scheme) => {
      await given(`By keyboard, ${scheme}`);
      const chat = await browser.open(stack.newSession(), { colorScheme: scheme, reducedMotion: 'reduce' });
      const { keyboard } = chat.page;
      const name = `By keyboard, ${scheme}`;
      const hasFocus = (action: string) =>
        expect.poll(() => button(chat, action).evaluate((element) => element.matches(':focus'))).toBe(true);
      await link(chat, name).focus();
      await keyboard.press('Tab');
      await hasFocus(`Rename “${name}”`);
      expect(await barriers(chat)).toEqual([]);
      await keyboard.press('Enter');
      await nameField(chat).waitFor();
      expect(await barriers(chat)).toEqual([]);
      await keyboard.type('not this');
      await keyboard.press('Escape');
      await hasFocus(`Rename “${name}”`);
      await keyboard.press('Tab');
      await keyboard.press('Tab');
      await hasFocus(`Delete “${name}”`);
      await keyboard.press('Enter');
      await chat.page.getByRole('dialog').waitFor();
      expect(await barriers(chat)).toEqual([]);
      await keyboard.press('Escape');
      await hasFocus(`Delete “${name}”`);
      await keyboard.press('Enter');
      await chat.page.getByRole('dialog').waitFor();
      await keyboard.press('Tab');
      await keyboard.press('Enter');
      await link(chat, name).waitFor({ state: 'detached' });
      await hasFocus('New conversation');
      expect(await barriers(chat)).toEqual([]);
    },
  );

  it('on a narrow screen, the keyboard stays in the list, which nothing is wider than', async () => {
    await given('On the phone');
    const viewport = { width: 320, height: 640 };
    const chat = await browser.open(stack.newSession(), { viewport, reducedMotion: 'reduce' });
    await button(chat, 'Show the list of sessions').click();
    await button(chat, 'Rename “On the phone”').click();
    await nameField(chat).press('Escape');
    await button(chat, 'Delete “On the phone”').click();
    expect(await barriers(chat)).toEqual([]);
    await chat.page.keyboard.press('Escape');
    await chat.page.getByRole('dialog').waitFor({ state: 'detached' });
    expect(await barriers(chat)).toEqual([]);
    const width = () =>
      chat.page.locator('.session-list').evaluate((list) => list.scrollWidth - list.clientWidth);
    expect(await width()).toBe(0);
    await chat.page.keyboard.press('Escape');
    await button(chat, 'Show the list of sessions').waitFor();
  });

  it('is by date, and is searched by title without regard to case and accents: by the server, where it is not whole', async () => {
    for (const title of ['Café in Łódź', 'Soup', 'Train to Oslo', 'Tea', 'Oslo by night']) await given(title);
    let answers = true;
    const chat = await browser.open(stack.newSession(), {
      viewport: { width: 320, height: 640 },
      reducedMotion: 'reduce',
      prepare: async (page) => {
        await page.clock.install();
        await page.routeWebSocket(/\/local\?/, (socket) => listsTwo(socket, () => answers));
      },
    });
    const { page } = chat;
    await button(chat, 'Show the list of sessions').click();
    const titles = () => page.getByRole('list', { name: 'Today' }).getByRole('link').allTextContents();
    await expect.poll(titles).toEqual(['Oslo by night', 'Tea']);
    const search = page.getByRole('searchbox', { name: 'Search the titles of sessions' });
    await search.fill('oslo');
    await expect.poll(titles).toEqual(['Oslo by night', 'Train to Oslo']);
    await search.fill('CAFE łó');
    await expect.poll(titles).toEqual(['Café in Łódź']);
    expect(await barriers(chat)).toEqual([]);
    await search.fill('nowhere');
    await page.getByText('No title has these words.', { exact: true }).waitFor();
    expect(await titles()).toEqual([]);
    expect(await barriers(chat)).toEqual([]);

    answers = false;
    await search.fill('train');
    await page.getByText('0 found. Looking in older conversations…').waitFor();
    await page.clock.fastForward(6000);
    await page.getByText('0 found in the loaded conversations. The server has not answered yet.').waitFor();
    expect(await barriers(chat)).toEqual([]);
    const width = () => page.locator('.sidebar').evaluate((bar) => bar.scrollWidth - bar.clientWidth);
    expect(await width()).toBe(0);
    await button(chat, 'Search in older ones').press('Enter');
    await expect.poll(titles).toEqual(['Train to Oslo']);
    await search.fill('');
    await expect.poll(titles).toContain('Soup');
  });
});

/**
 * A server whose page of the list has two sessions, and 98 of nobody. One that does not answer a search is one of an earlier version: it
 * answers as if none was asked for.
 */
function listsTwo(socket: WebSocketRoute, answersSearches: () => boolean): void {
  const server = socket.connectToServer();
  socket.onMessage((message) => {
    const frame = JSON.parse(String(message)) as { type: string; query?: string };
    const { query, ...plain } = frame;
    const sent = answersSearches() ? frame : plain;
    server.send(frame.type === 'sessions' ? JSON.stringify({ ...sent, limit: 2 }) : message);
  });
  server.onMessage((message) => {
    const frame = JSON.parse(String(message)) as {
      type: string;
      query?: string;
      next?: string;
      sessions: object[];
    };
    if (frame.type !== 'sessions' || frame.query !== undefined) return socket.send(message);
    const others = Array.from({ length: 98 }, (_, n) => ({
      session_id: `other-${n}-${frame.next}`,
      name: 'Other',
      created_at: 0,
      active_at: 0,
      message_count: 1,
    }));
    socket.send(JSON.stringify({ ...frame, sessions: [...frame.sessions, ...others] }));
  });
}
