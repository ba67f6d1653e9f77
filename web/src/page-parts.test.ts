// @vitest-environment happy-dom
import { act, createElement } from 'react';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { UploadedFile } from '../../client/files.ts';
import type { Chat, SessionPage, Sessions } from '../../client/index.ts';
import { Story } from '../../client/testing/story.ts';
import { givenPage, runningStory } from '../testing/given-page.ts';
import { click, hookOf, named, press, rendered, write } from '../testing/rendered.ts';
import { AttachedFile, FileAddress } from './attached-file.tsx';
import { loadConfig } from './config.ts';
import { ignoreHeldKeys } from './held-keys.ts';
import { SessionList } from './session-list.tsx';
import { isUploaded } from './uploaded.ts';
import { lazy, useLazy } from './use-lazy.ts';
import { useStoredSessions } from './use-stored-sessions.ts';

const settled = () => act(() => vi.advanceTimersByTimeAsync(1));

describe('a file of a conversation', () => {
  const file = (more: Partial<UploadedFile> = {}): UploadedFile => ({
    type: 'file',
    file: 'f1',
    media_type: 'application/pdf',
    name: 'a.pdf',
    size: 1,
    ...more,
  });
  /** The file as it is shown, and the addresses that it asks for. */
  function given(about: UploadedFile) {
    const asked: { file: string; answer: (url: string) => void; fail: () => void }[] = [];
    const address = (name: string) =>
      new Promise<string>((answer, fail) => {
        asked.push({ file: name, answer, fail: () => fail(new Error('none')) });
      });
    const node = (shown: UploadedFile) =>
      createElement(
        FileAddress.Provider,
        { value: address },
        createElement(AttachedFile, { file: shown, from: 'Made' }),
      );
    const { root, render } = rendered(node(about));
    return { asked, root, show: (shown: UploadedFile) => render(node(shown)) };
  }

  it.each([
    [1, '1 KB'],
    [1000, '1 KB'],
    [1001, '2 KB'],
    [999_999, '1000 KB'],
    [1_000_000, '1.0 MB'],
  ])('of %i bytes has %s', (size, words) => {
    expect(given(file({ size })).root.textContent).toBe(`a.pdf (${words})`);
  });

  it('that is an image is shown, the newest one, whenever the address of an earlier one comes', async () => {
    const { asked, root, show } = given(file({ media_type: 'image/png', name: undefined }));
    show(file({ media_type: 'image/png', file: 'f2' }));
    expect(asked.map(({ file }) => file)).toEqual(['f1', 'f2']);
    asked[1]?.answer('https://b.test/2');
    await settled();
    asked[0]?.answer('https://b.test/1');
    await settled();
    expect(root.querySelector('img')?.getAttribute('src')).toBe('https://b.test/2');
  });

  it('that has expired says so', async () => {
    const { asked, root } = given(file({ media_type: 'image/png', name: undefined }));
    asked[0]?.fail();
    await settled();
    expect(root.textContent).toBe('File (1 KB): not there any more');
  });

  it('that is audio is asked for, and played, when its reader wants it', async () => {
    const { asked, root } = given(file({ media_type: 'audio/mpeg' }));
    expect(asked).toEqual([]);
    click(named(root, 'button', 'a.pdf (1 KB)'));
    asked[0]?.answer('https://b.test/1');
    await settled();
    expect(root.querySelector('audio')?.getAttribute('src')).toBe('https://b.test/1');
  });

  it('that is another is opened in a tab that has no hold of this one, or the tab is closed where it is gone', async () => {
    for (const isThere of [true, false]) {
      const tab = { opener: window as unknown, location: { href: '' }, close: vi.fn() };
      const open = vi.spyOn(window, 'open').mockReturnValue(tab as unknown as Window);
      const { asked, root } = given(file());
      click(named(root, 'button', 'a.pdf (1 KB)'));
      // Within the click: a browser blocks a tab that opens later.
      expect([open.mock.calls.length, tab.opener]).toEqual([1, null]);
      if (isThere) asked[0]?.answer('https://b.test/1');
      else asked[0]?.fail();
      await settled();
      expect([tab.location.href, tab.close.mock.calls.length]).toEqual(
        isThere ? ['https://b.test/1', 0] : ['', 1],
      );
      expect(root.textContent).toBe(isThere ? 'a.pdf (1 KB)' : 'a.pdf (1 KB): not there any more');
      open.mockRestore();
    }
  });
});

it.each([
  ['image/png', 6143, false],
  ['image/png', 6144, true],
  ['image/svg+xml', 9000, false],
  ['image/bmp', 9000, false],
  ['application/pdf', 1, true],
  ['audio/mpeg', 1, true],
  ['text/plain', 9000, false],
])('a file of the type %s with %i bytes is uploaded as it is: %s', (type, size, expected) => {
  expect(isUploaded(new File([new Uint8Array(size)], 'a', { type }))).toBe(expected);
});

describe('what is dropped into a message of a server that takes files', () => {
  const drop = async (fileBytes: number | undefined, ...files: File[]) => {
    const { limits } = new Story().sessionStart('lane-1');
    const page = await givenPage({
      start: { limits: { ...limits, ...(fileBytes !== undefined && { file_bytes: fileBytes }) } },
    });
    const event = new Event('drop', { bubbles: true, cancelable: true });
    Object.assign(event, { dataTransfer: { files } });
    act(() => void page.field().dispatchEvent(event));
    await page.pass();
    return page;
  };
  const pdf = new File(['%PDF'], 'a.pdf', { type: 'application/pdf' });

  it('is uploaded, or refused in words, and a message waits for what is on its way', async () => {
    const page = await drop(1e6, pdf, new File(['text'], 'a.txt', { type: 'text/plain' }));
    expect(page.texts('.composer-problem')).toEqual(['a.txt: only images, PDFs and audio can be attached.']);
    write(page.field(), 'read it');
    expect(page.button('Send').disabled).toBe(true);
    expect(page.sent('upload')).toMatchObject([{ media_type: 'application/pdf', size: 4, name: 'a.pdf' }]);
    click(page.button('Cancel the upload of a.pdf'));
    expect(page.button('Send').disabled).toBe(false);
  });

  it('that is too large is refused in words', async () => {
    const page = await drop(3, pdf);
    expect(page.texts('.composer-problem')[0]).toMatch(/^a\.pdf: It is too large/);
    expect(page.sent('upload')).toEqual([]);
  });
});

describe('the settings of a deployment', () => {
  const given = (body: unknown, status = 200) => {
    const asked = vi.fn(async (_: string, __: RequestInit) => new Response(JSON.stringify(body), { status }));
    vi.stubGlobal('fetch', asked);
    return asked;
  };

  it('are read anew with each visit: they could name an earlier deployment', async () => {
    const asked = given({ url: '/prod' });
    expect(await loadConfig()).toEqual({ url: '/prod' });
    expect(asked.mock.calls).toEqual([['config.json', { cache: 'no-cache' }]]);
  });

  it.each([[null], ['text'], [{}], [{ url: 7 }]])(
    'without an address are an error that names the file: %j',
    async (body) => {
      given(body);
      await expect(loadConfig()).rejects.toThrow('config.json has no url.');
    },
  );

  it('that are missing are an error that says so', async () => {
    given({ url: '/prod' }, 404);
    await expect(loadConfig()).rejects.toThrow('config.json is missing (404).');
  });
});

describe('a part of the page that is loaded when it is needed', () => {
  const use = ({ part, isNeeded }: { part: ReturnType<typeof lazy<string>>; isNeeded: boolean }) =>
    useLazy(part, isNeeded);

  it('is loaded once for all who need it, and not for others', async () => {
    const load = vi.fn(async () => 'part');
    const part = lazy(load);
    const idle = hookOf(use, { part, isNeeded: false });
    expect(load).not.toHaveBeenCalled();
    const [one, two] = [hookOf(use, { part, isNeeded: true }), hookOf(use, { part, isNeeded: true })];
    expect(one.current).toBeUndefined();
    await settled();
    expect([one.current, two.current, idle.current, load.mock.calls.length]).toEqual([
      'part',
      'part',
      undefined,
      1,
    ]);
    idle.change({ part, isNeeded: true });
    expect(idle.current).toBe('part');
  });

  it('that cannot be loaded is left out, and asked for again by the next one', async () => {
    const warned = vi.spyOn(console, 'warn').mockReturnValue();
    let isThere = false;
    const load = vi.fn(async () => {
      if (!isThere) throw new Error('no network');
      return 'part';
    });
    const part = lazy(load);
    const one = hookOf(use, { part, isNeeded: true });
    await settled();
    expect([one.current, warned.mock.calls.length]).toEqual([undefined, 1]);
    isThere = true;
    const two = hookOf(use, { part, isNeeded: true });
    await settled();
    expect([two.current, load.mock.calls.length]).toEqual(['part', 2]);
  });
});

describe('a key that is held down', () => {
  ignoreHeldKeys(window);
  const heard = vi.fn();
  document.body.addEventListener('keydown', heard);
  afterEach(() => {
    heard.mockClear();
    document.body.innerHTML = '';
  });

  it.each<[string, string, KeyboardEventInit, boolean]>([
    ['button', 'Enter', {}, false],
    ['button', 'Enter', { shiftKey: true }, false],
    ['button', 'Escape', {}, false],
    ['button', ' ', {}, false],
    ['button', 'Tab', {}, true],
    ['input', 'Enter', {}, false],
    ['input', ' ', {}, true],
    ['textarea', ' ', {}, true],
    ['textarea', 'Enter', {}, false],
    ['textarea', 'Enter', { shiftKey: true }, true],
    ['textarea', 'a', {}, true],
    ['textarea', 'Escape', {}, false],
  ])('in a %s: the repetitions of “%s” %j are heard: %s', (element, key, how, isHeard) => {
    const target = document.body.appendChild(document.createElement(element));
    expect(press(target, key, how).defaultPrevented).toBe(false);
    expect(heard).toHaveBeenCalledTimes(1);
    expect(press(target, key, { ...how, repeat: true }).defaultPrevented).toBe(!isHeard);
    expect(heard).toHaveBeenCalledTimes(isHeard ? 2 : 1);
  });
});

describe('the list of shortcuts', () => {
  const open = () => document.querySelectorAll('dialog.shortcuts[open]').length === 1;
  const close = () => act(() => document.querySelector<HTMLDialogElement>('dialog.shortcuts')?.close());

  it('is opened by “?” where nobody writes, and by no shortcut of the browser; unless that was turned off', async () => {
    const page = await givenPage({ story: runningStory() });
    for (const how of [{ ctrlKey: true }, { metaKey: true }, { altKey: true }, { isComposing: true }]) {
      press(document.body, '?', how);
      expect(open()).toBe(false);
    }
    press(page.field(), '?');
    expect(open()).toBe(false);
    expect(press(document.body, '?').defaultPrevented).toBe(true);
    expect(open()).toBe(true);
    const box = page.root.querySelector<HTMLInputElement>('.shortcuts input');
    press(box ?? page.root, 'Escape');
    expect(page.sent('abort')).toEqual([]);
    click(box ?? page.root);
    close();
    press(document.body, '?');
    expect(open()).toBe(false);
    page.unmount();
    const again = await givenPage();
    press(document.body, '?');
    expect(open()).toBe(false);
    click(again.root.querySelector<HTMLInputElement>('.shortcuts input') ?? again.root);
    press(document.body, '?');
    expect(open()).toBe(true);
    again.unmount();
    press(document.body, '?');
    expect(open()).toBe(false);
  });
});

it('the list of sessions on a narrow screen takes the focus, is closed by Escape, which stops no answer, and gives the focus back', async () => {
  const page = await givenPage({ story: runningStory() });
  const isCovered = () => page.root.querySelector('main')?.hasAttribute('inert');
  click(page.button('Show the list of sessions'));
  expect([document.activeElement, isCovered()]).toEqual([page.button('Close the list of sessions'), true]);
  press(document.body, 'Escape', { isComposing: true });
  expect(isCovered()).toBe(true);
  press(document.body, 'Escape');
  expect([document.activeElement, isCovered()]).toEqual([page.button('Show the list of sessions'), false]);
  expect(page.sent('abort')).toEqual([]);
  click(page.button('Show the list of sessions'));
  click(page.button('New conversation'));
  await page.pass();
  expect(isCovered()).toBe(false);
});

it('the list of sessions has those of all pages that were asked for: at least a hundred more with each press, until all are there', async () => {
  const left = vi.fn();
  const asked: { limit?: number; after?: string }[] = [];
  const infos = Array.from({ length: 260 }, (_, n) => ({
    sessionId: `s${n}`,
    name: undefined,
    agent: undefined,
    createdAt: 0,
    activeAt: 0,
    messageCount: 1,
  }));
  const chat = {
    transcript: { subscribe: () => left, getSnapshot: () => ({ connection: { status: 'online' } }) },
    sessions: {
      // A server may give fewer than it is asked for.
      async list(how: { limit: number; after?: string }) {
        asked.push(how);
        const from = Number(how.after ?? 0);
        return {
          sessions: infos.slice(from, from + 50),
          next: from + 50 < 260 ? String(from + 50) : undefined,
        };
      },
    },
  } as unknown as Chat;
  const stored = hookOf(useStoredSessions, chat);
  await settled();
  for (const [count, pages] of [
    [100, 2],
    [200, 4],
    [260, 6],
  ] as const) {
    expect(stored.current.sessions?.map(({ sessionId }) => sessionId)).toEqual(
      infos.slice(0, count).map(({ sessionId }) => sessionId),
    );
    expect([stored.current.hasMore, stored.current.older?.after]).toEqual(
      count < 260 ? [true, String(count)] : [false, undefined],
    );
    expect(asked.map(({ limit, after }) => [limit, after])).toEqual(
      Array.from({ length: pages }, (_, n) => [100, n === 0 ? undefined : String(n * 50)]),
    );
    asked.length = 0;
    stored.current.showMore();
    await settled();
  }
  stored.unmount();
  expect(left).toHaveBeenCalledTimes(1);
});

it('a search goes on in older sessions by the server, or by the list where the server is late, until it is emptied or left', async () => {
  const asked: { query?: string; after?: string; answer: (next?: string) => Promise<void> }[] = [];
  const list = (how: { query?: string; after?: string } = {}) =>
    new Promise<SessionPage>((resolve) => {
      const answer = (next?: string) => act(async () => resolve({ sessions: [], next }));
      asked.push({ ...how, answer });
    });
  const showMore = vi.fn();
  const nothing = () => {};
  const actions = { rename: nothing, save: nothing, remove: nothing };
  const notes = [{ id: 'a', title: 'Tea', usedAt: Date.now() }];
  const older = { sessions: { list } as unknown as Sessions, after: 'p1' };
  const node = createElement(SessionList, { notes, current: 'a', actions, showMore, older, leave: nothing });
  const { root, unmount } = rendered(node);
  const more = () => named(root, 'button', 'Search in older ones');
  const said = () => root.querySelector('[role="status"]')?.textContent;
  const field = named(root, 'input', 'Search the titles of sessions') as HTMLInputElement;
  const pass = (ms: number) => act(() => vi.advanceTimersByTimeAsync(ms));
  named(root, 'button', 'Show older ones');
  write(field, ' soup ');
  await pass(301);
  expect(said()).toBe('0 found. Looking in older conversations…');
  expect(root.querySelectorAll('button.show-more')).toHaveLength(0);
  for (const next of ['p2', 'p3', 'p4', 'p5', 'p6']) await asked.at(-1)?.answer(next);
  await pass(20);
  expect([asked.map(({ after }) => after), asked[0]?.query]).toEqual([
    ['p1', 'p2', 'p3', 'p4', 'p5'],
    'soup',
  ]);
  expect(said()).toBe('No title has these words so far.');
  click(more());
  await pass(5000);
  await pass(20);
  expect([asked.at(-1)?.after, said()]).toEqual([
    'p6',
    '0 found in the loaded conversations. The server has not answered yet.',
  ]);
  click(more());
  expect([showMore.mock.calls.length, asked.length]).toEqual([1, 6]);
  write(field, '');
  await pass(20);
  expect([said(), named(root, 'button', 'Show older ones').className]).toEqual(['', 'link show-more']);
  write(field, 'rice');
  unmount();
  await pass(1000);
  expect(asked.length).toBe(6);
});
