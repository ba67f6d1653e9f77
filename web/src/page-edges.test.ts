// @vitest-environment happy-dom
import { act, createElement } from 'react';
import { describe, expect, it, vi } from 'vitest';
import type { ApprovalItem } from '../../client/index.ts';
import { Story } from '../../client/testing/story.ts';
import { type GivenPage, givenPage, listedSession, runningStory } from '../testing/given-page.ts';
import { click, named, press, rendered, write } from '../testing/rendered.ts';
import { Approval } from './approval.tsx';
import { AttachedFile, FileAddress } from './attached-file.tsx';
import { CodeBlock } from './code-block.tsx';
import { TimeLeft } from './time-left.tsx';

const settled = (ms = 1) => act(() => vi.advanceTimersByTimeAsync(ms));

describe('the end of a long answer', () => {
  const hide = () => vi.spyOn(document, 'hidden', 'get').mockReturnValue(true);
  const end = async (page: GivenPage) => {
    await page.pass(20_100);
    page.story.end('done');
    await page.deliver();
  };

  it('is not told by a browser that has no notifications, which are not offered either', async () => {
    hide();
    const page = await givenPage({ story: runningStory() });
    Reflect.deleteProperty(window, 'Notification');
    await page.pass(20_100);
    expect(page.texts('.notice-offer')).toEqual([]);
    page.story.end('done');
    await page.deliver();
    expect(page.texts('.turn-end')).toHaveLength(1);
  });

  it('is in the page, also where the browser lets a page show no notification by itself', async () => {
    hide();
    const made = vi.fn();
    vi.stubGlobal(
      'Notification',
      class {
        static permission = 'granted';
        constructor(title: string, how: { tag: string }) {
          made(title, how.tag);
          throw new TypeError('Illegal constructor.');
        }
      },
    );
    vi.spyOn(console, 'debug').mockReturnValue();
    const page = await givenPage({ story: runningStory('Tell me') });
    await end(page);
    // A later one of this conversation takes its place.
    expect(made.mock.calls).toEqual([['Tell me', '#session=s']]);
    expect(page.texts('.turn-end')).toHaveLength(1);
  });

  it('is not told where that was not allowed', async () => {
    hide();
    const made = vi.fn();
    vi.stubGlobal('Notification', Object.assign(made, { permission: 'denied' }));
    await end(await givenPage({ story: runningStory() }));
    expect(made).not.toHaveBeenCalled();
  });
});

describe('a file that is chosen', () => {
  const { limits } = new Story().sessionStart('lane-1');
  const png = new File([new Uint8Array(30)], 'a.png', { type: 'image/png' });
  const given = async (fileBytes?: number) => {
    const page = await givenPage(
      fileBytes === undefined ? {} : { start: { limits: { ...limits, file_bytes: fileBytes } } },
    );
    const picker = page.root.querySelector<HTMLInputElement>('input[type="file"]');
    if (!picker) throw new Error('Nothing can be chosen.');
    const choose = async (...files: File[]) => {
      Object.defineProperty(picker, 'files', { configurable: true, value: files });
      act(() => void picker.dispatchEvent(new Event('change', { bubbles: true })));
      for (let turn = 0; turn < 4; turn++) await page.pass(1);
    };
    return { page, picker, choose };
  };

  it.each([
    [undefined, 'Attach an image', 'image/*'],
    [1000, 'Attach a file', 'image/*,application/pdf,audio/*'],
  ])('is one of those that the server takes: with file_bytes %s', async (bytes, name, accept) => {
    const { page, picker } = await given(bytes);
    expect([picker.accept, picker.multiple]).toEqual([accept, true]);
    const opened = vi.spyOn(picker, 'click').mockReturnValue();
    click(page.button(name));
    expect(opened).toHaveBeenCalledTimes(1);
  });

  it('is attached, and the same one can be chosen again', async () => {
    const { page, picker, choose } = await given();
    const emptied = vi.fn();
    Object.defineProperty(picker, 'value', { configurable: true, get: () => 'a.png', set: emptied });
    await choose(png);
    expect(page.texts('.attachments li')).toHaveLength(1);
    expect(emptied.mock.calls).toEqual([['']]);
  });

  it('and is none of those that the server takes is refused in words', async () => {
    const { page, choose } = await given(1000);
    await choose(new File(['x'], 'a.zip', { type: 'application/zip' }), png);
    expect(page.texts('.composer-problem')).toEqual(['a.zip: only images, PDFs and audio can be attached.']);
    expect(page.texts('.attachments li')).toHaveLength(1);
  });
});

describe('the menu', () => {
  it('is closed when another element takes the focus, and not when none does; an action gives the focus back', async () => {
    const page = await givenPage();
    const more = page.button('More');
    const isOpen = () => more.getAttribute('aria-expanded') === 'true';
    click(more);
    const frames = page.button('Raw frames');
    expect(frames.getAttribute('aria-pressed')).toBe('false');
    const leave = (relatedTarget: Element | null) =>
      act(() => void frames.dispatchEvent(new FocusEvent('focusout', { bubbles: true, relatedTarget })));
    leave(null);
    leave(more);
    expect(isOpen()).toBe(true);
    leave(page.field());
    expect(isOpen()).toBe(false);
    click(more);
    page.field().focus();
    click(page.button('Raw frames'));
    expect([isOpen(), document.activeElement]).toEqual([false, more]);
    click(more);
    expect(page.button('Raw frames').getAttribute('aria-pressed')).toBe('true');
    click(page.button('Hide raw frames'));
    expect(page.texts('.frames')).toEqual([]);
  });

  it('opens the list of shortcuts, which a button closes', async () => {
    const page = await givenPage();
    const dialog = () => document.querySelector<HTMLDialogElement>('dialog.shortcuts');
    click(page.button('More'));
    click(page.button('Keyboard shortcuts'));
    expect(dialog()?.open).toBe(true);
    click(page.button('Close the keyboard shortcuts'));
    expect(dialog()?.open).toBe(false);
  });
});

it('the raw frames follow the newest one while their reader is within 40 px of the end, and tell their way', async () => {
  const page = await givenPage();
  click(page.button('More'));
  click(page.button('Raw frames'));
  const list = named(page.root, 'ol', 'Frames, newest last');
  Object.defineProperty(list, 'scrollHeight', { value: 1000 });
  Object.defineProperty(list, 'clientHeight', { value: 100 });
  const after = async (top: number) => {
    act(() => {
      list.scrollTop = top;
      list.dispatchEvent(new Event('scroll'));
    });
    await page.deliver({ type: 'pong' });
    return list.scrollTop;
  };
  expect([await after(860), await after(861)]).toEqual([860, 1000]);
  expect(page.texts('.frames .unseen').slice(0, 2)).toEqual(['sent', 'received']);
});

it('the delete dialog is closed by Escape, which keeps the session and stops no answer', async () => {
  const page = await givenPage({ story: runningStory(), listed: [listedSession('o', 'There')] });
  const dialog = () => document.querySelector<HTMLDialogElement>('dialog:not(.shortcuts)');
  click(page.button('Delete “There”'));
  expect([dialog()?.open, dialog()?.textContent?.includes('Delete “There”?')]).toEqual([true, true]);
  press(named(page.root, 'dialog button', 'Keep it'), 'Escape');
  // As a browser does it for the key.
  act(() => dialog()?.close());
  await page.pass();
  expect(dialog()).toBeNull();
  expect([page.sent('delete'), page.sent('abort')]).toEqual([[], []]);
  click(page.button('Delete “There”'));
  click(named(page.root, 'dialog button', 'Delete'));
  await page.pass();
  expect(document.activeElement).toBe(page.button('New conversation'));
});

it('older sessions are loaded by a button, and a conversation is begun by a suggestion', async () => {
  const sessions = Array.from({ length: 100 }, (_, n) => listedSession(`s${n}`, `Title ${n}`, n));
  const page = await givenPage({
    answers: (frame) =>
      frame.type === 'sessions'
        ? [
            frame.after === undefined
              ? { type: 'sessions', sessions, next: 'p2' }
              : { type: 'sessions', sessions: [listedSession('o', 'Older')], after: frame.after },
          ]
        : undefined,
  });
  const count = () => page.texts('.session-list a').length;
  expect(count()).toBe(100);
  click(page.button('Show older ones'));
  await page.pass();
  expect([count(), page.buttons().includes('Show older ones')]).toEqual([101, false]);
  click(page.button('A long story about lighthouses'));
  await page.pass();
  expect(page.sent('message').map(({ content }) => content)).toEqual(['A long story about lighthouses']);
});

describe('a block of code', () => {
  const shown = async (code: string, language?: string) => {
    const { root } = rendered(createElement(CodeBlock, { code, language }));
    await settled();
    // The colours are a file of their own.
    await act(() => vi.dynamicImportSettled());
    await settled();
    expect(root.querySelector('code')?.textContent).toBe(code);
    return root.querySelectorAll('[class^="hljs"]').length > 0;
  };

  it('is coloured up to 10,000 characters, where its language is known, in whatever letters', async () => {
    const code = (length: number) => 'let a;'.padEnd(length, ' ');
    expect([await shown(code(10_000), 'js'), await shown(code(10_001), 'js')]).toEqual([true, false]);
    expect([await shown('let a;', 'JS'), await shown('let a;', 'none'), await shown('let a;')]).toEqual([
      true,
      false,
      false,
    ]);
  });
});

it('the time that is left is counted to its end, and then nothing is counted', async () => {
  const { root, unmount } = rendered(
    createElement(TimeLeft, { asked: { timeoutSeconds: 3, askedAt: Date.now() } }),
  );
  const seen = [];
  for (let n = 0; n < 5; n++) {
    seen.push([root.textContent, vi.getTimerCount()]);
    await settled(1000);
  }
  expect(seen).toEqual([
    ['in 0:03', 1],
    ['in 0:02', 1],
    ['in 0:01', 1],
    ['in 0:00', 0],
    ['in 0:00', 0],
  ]);
  unmount();
  expect(rendered(createElement(TimeLeft, { asked: { timeoutSeconds: 90 } })).root.textContent).toBe(
    '90 seconds after it was asked',
  );
});

it('an image of a conversation has its name in words, or whose it is', async () => {
  const altOf = async (name: string | undefined) => {
    const file = { type: 'file', file: 'f', media_type: 'image/png', name, size: 1 } as const;
    const { root } = rendered(
      createElement(
        FileAddress.Provider,
        { value: async () => 'https://b.test/1' },
        createElement(AttachedFile, { file, from: 'Attached by you' }),
      ),
    );
    await settled();
    return root.querySelector('img')?.getAttribute('alt');
  };
  expect([await altOf('cat.png'), await altOf(undefined)]).toEqual(['cat.png', 'Attached by you']);
});

it('the link to the field leads there, and a message that is taken in is not in the field any more', async () => {
  const page = await givenPage();
  page.field().blur();
  click(page.button('Skip to the message field'));
  expect(document.activeElement).toBe(page.field());
  write(page.field(), 'hello');
  click(page.button('Send'));
  await page.pass();
  expect([page.field().value, document.activeElement]).toEqual(['', page.field()]);
});

describe('the list of sessions', () => {
  const rows = ({ root }: GivenPage) =>
    [...root.querySelectorAll('.session-list a')].map((row) => [
      row.textContent,
      row.getAttribute('href'),
      row.getAttribute('aria-current'),
    ]);

  it('has a link to each, under its name, and marks the one that is shown', async () => {
    const page = await givenPage({
      listed: [
        listedSession('s', 'Here', 3),
        listedSession('o&p', 'There', 2),
        listedSession('n', undefined, 1),
      ],
    });
    expect(rows(page)).toEqual([
      ['Here', '#session=s', 'page'],
      ['There', '#session=o%26p', null],
      ['Untitled', '#session=n', null],
    ]);
    await page.goTo('#session=n');
    expect(rows(page).map(([, , current]) => current)).toEqual([null, null, 'page']);
  });

  it('takes names and searches of at most 200 characters, as the server does', async () => {
    const listed = Array.from({ length: 5 }, (_, n) => listedSession(`s${n}`, `Title ${n}`, n));
    const page = await givenPage({ listed });
    expect(page.root.querySelector<HTMLInputElement>('input[type="search"]')?.maxLength).toBe(200);
    click(page.button('Rename “Title 1”'));
    const field = named(page.root, 'input', 'Name of the conversation') as HTMLInputElement;
    expect([field.maxLength, field.value, document.activeElement]).toEqual([200, 'Title 1', field]);
  });

  it('renames an untitled one from nothing, and says which one it was', async () => {
    const page = await givenPage({ listed: [listedSession('n', undefined, 1)] });
    click(page.button('Rename “Untitled”'));
    const field = named(page.root, 'input', 'Name of the conversation') as HTMLInputElement;
    expect(field.value).toBe('');
    write(field, 'Tea');
    press(field, 'Enter');
    await page.pass();
    expect(page.sent('rename').map(({ session_id, name }) => [session_id, name])).toEqual([['n', 'Tea']]);
  });
});

it('one approval for always is revoked by itself: there is no button for all', async () => {
  const page = await givenPage({ start: { trusted: ['wait'] } });
  expect(page.texts('.trusts summary')).toEqual(['One approval is for always']);
  expect(page.buttons()).not.toContain('Ask again about all');
  click(page.button('Ask again'));
  await page.pass();
  expect(page.sent('revoke')).toMatchObject([{ trust: 'wait' }]);
});

it('a request shows what looks secret when its user asks for it, hides it again, and is answered as was pressed', () => {
  const card = '4111111111111111';
  const answer = vi.fn();
  const item: ApprovalItem = {
    kind: 'approval',
    key: 'k',
    turnId: 't1',
    requestId: 'r1',
    tool: 'pay',
    summary: '',
    arguments: { card },
    offersAlways: true,
    timeoutSeconds: 60,
    toolCallId: 'c1',
    decision: undefined,
    resolved: undefined,
  };
  const { root } = rendered(createElement(Approval, { item, running: true, answer }));
  const isShown = () => root.textContent?.includes(card);
  expect(isShown()).toBe(false);
  click(named(root, 'button', 'Show what looks secret'));
  const hide = named(root, 'button', 'Hide what looks secret');
  expect([isShown(), hide.getAttribute('aria-pressed')]).toEqual([true, 'true']);
  click(hide);
  expect(isShown()).toBe(false);
  for (const button of ['Approve', 'Deny', 'Always approve']) click(named(root, 'button', button));
  expect(answer.mock.calls).toEqual([['approve'], ['deny'], ['always']]);
});
