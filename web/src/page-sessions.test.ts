// @vitest-environment happy-dom
import { act } from 'react';
import { describe, expect, it, vi } from 'vitest';
import type { ClientFrame, ServerFrame } from '../../client/protocol.ts';
import { Story } from '../../client/testing/story.ts';
import { givenPage, listedSession, type GivenPage as Page } from '../testing/given-page.ts';
import { click, named, press, write } from '../testing/rendered.ts';

const titles = ({ texts }: Page) => texts('.session-list a');
const refusal = (
  frame: ClientFrame,
  code: 'SESSION_NOT_FOUND' | 'SESSION_NAMED',
  message: string,
): ServerFrame => ({
  type: 'error',
  code,
  message,
  terminal: false,
  retryable: false,
  ...('session_id' in frame && { session_id: frame.session_id }),
});
/** An answered conversation: its first message is `content`. */
function told(content: string): Story {
  const story = new Story();
  story.begin(['m1']);
  story.takeIn([{ id: 'm1', content }], 1);
  story.say('So be it.');
  story.end('done');
  return story;
}
const alerts = (page: Page) => page.texts('[role="alert"] p');
const status = (page: Page) => page.texts('.sidebar > [role="status"]')[0];
const sessionOf = (hash: string) => new URLSearchParams(hash.slice(1)).get('session');
describe('the list of sessions', () => {
  it('is asked for when the page is connected and when its reader comes back to it, and not after it was left', async () => {
    const page = await givenPage();
    const before = page.sent('sessions').length;
    expect(before).toBeGreaterThan(0);
    window.dispatchEvent(new Event('focus'));
    await page.pass();
    expect(page.sent('sessions').length).toBe(before + 1);
    page.unmount();
    window.dispatchEvent(new Event('focus'));
    await page.pass();
    expect(page.sent('sessions').length).toBe(before + 1);
  });

  it('is asked for again when a turn begins and when a name has come, and not with each word, nor at its end', async () => {
    const page = await givenPage();
    const asked = () => page.sent('sessions').length;
    const first = asked();
    page.story.begin(['m1']);
    await page.deliver();
    expect(asked()).toBe(first + 1);
    page.story.say('a');
    await page.deliver();
    page.story.say(' b');
    await page.deliver();
    page.story.end('done');
    await page.deliver();
    expect(asked()).toBe(first + 1);
    await page.deliver({ type: 'renamed', session_id: 's', name: 'Tea' });
    expect(asked()).toBe(first + 2);
  });

  it('says why it could not be loaded, until that is dismissed or another action is done', async () => {
    let fails = true;
    const page = await givenPage({
      listed: [listedSession('s', 'Here')],
      answers: (frame) =>
        frame.type === 'rename' && fails
          ? [refusal(frame, 'SESSION_NOT_FOUND', 'There is none.')]
          : undefined,
    });
    const rename = async (name: string) => {
      click(page.button('Rename “Here”'));
      write(named(page.root, 'input', 'Name of the conversation') as HTMLInputElement, name);
      press(named(page.root, 'input', 'Name of the conversation'), 'Enter');
      await page.pass();
    };
    const before = page.sent('sessions').length;
    await rename('There');
    expect(alerts(page)).toEqual(['“Here” could not be renamed. There is none.']);
    expect(page.sent('sessions').length).toBeGreaterThan(before);
    click(page.button('Dismiss'));
    expect(alerts(page)).toEqual([]);
    await rename('There');
    expect(alerts(page)).toHaveLength(1);
    fails = false;
    await rename('Elsewhere');
    expect(alerts(page)).toEqual([]);
    expect(status(page)).toBe('Renamed to “Elsewhere”.');
    expect(page.sent('rename').map(({ name, provisional }) => [name, provisional])).toEqual([
      ['There', undefined],
      ['There', undefined],
      ['Elsewhere', undefined],
    ]);
  });
});

it('what went wrong is not said any more while the next action is under way', async () => {
  const page = await givenPage({
    listed: [listedSession('s', 'Here'), listedSession('o', 'There')],
    answers: (frame) =>
      frame.type === 'delete'
        ? frame.session_id === 's'
          ? [refusal(frame, 'SESSION_NOT_FOUND', 'There is none.')]
          : []
        : undefined,
  });
  for (const [title, said] of [
    ['Here', 1],
    ['There', 0],
  ] as const) {
    click(page.button(`Delete “${title}”`));
    click(page.button('Delete'));
    await page.pass();
    expect(alerts(page)).toHaveLength(said);
  }
});

it('a list that was asked for when another session was opened is no failure', async () => {
  const page = await givenPage({ answers: (frame) => (frame.type === 'sessions' ? [] : undefined) });
  await page.goTo('#session=other');
  expect(alerts(page)).toEqual([]);
});

describe('a session', () => {
  it('without a name gets its first message as one, provisionally; that another name was there first is no trouble', async () => {
    const page = await givenPage({
      story: told('Tea for two\nand biscuits'),
      answers: (frame) =>
        frame.type === 'rename' ? [refusal(frame, 'SESSION_NAMED', 'It has a name.')] : undefined,
    });
    expect(page.sent('rename')).toEqual([
      { type: 'rename', session_id: 's', name: 'Tea for two', provisional: true },
    ]);
    expect(alerts(page)).toEqual([]);
    expect(status(page)).toBe('');
    expect(document.title).toBe('Tea for two · Midturn');
  });

  it('that cannot be given its first message as a name says why', async () => {
    const page = await givenPage({
      story: told('Tea'),
      answers: (frame) =>
        frame.type === 'rename' ? [refusal(frame, 'SESSION_NOT_FOUND', 'There is none.')] : undefined,
    });
    expect(alerts(page)).toEqual(['“Tea” could not be given as a name. There is none.']);
  });

  it('that has a name keeps it', async () => {
    const page = await givenPage({ story: told('Tea for two'), start: { name: 'Named elsewhere' } });
    expect(page.sent('rename')).toEqual([]);
  });

  it('whose beginning is not loaded gets no name of what was said in the middle', async () => {
    const story = told('first');
    story.begin(['m2']);
    story.takeIn([{ id: 'm2', content: 'second' }], 1);
    story.end('done');
    const page = await givenPage({
      story,
      answers: (frame) =>
        frame.type === 'history' && frame.before === undefined
          ? [{ ...story.page({ limit: 2 }) }]
          : undefined,
    });
    expect(page.sent('rename')).toEqual([]);
    click(page.button('Show earlier messages'));
    await page.pass();
    expect(page.sent('rename').map(({ name }) => name)).toEqual(['first']);
  });

  it('that is new is in the address from the start, and one that the address names is shown', async () => {
    location.hash = '#session=no%20id%0a';
    const page = await givenPage();
    const id = sessionOf(location.hash);
    expect(page.sent('connect')[0]?.session_id).toBe(id);
    write(page.field(), 'for this one alone');
    await page.goTo('#session=another');
    expect(page.sent('connect').at(-1)?.session_id).toBe('another');
    expect(page.field().value).toBe('');
    expect(page.sockets[0]?.readyState).toBe(3);
    page.unmount();
    await page.goTo('#session=third');
    expect(page.sent('connect').at(-1)?.session_id).toBe('another');
  });

  it('is noted in this browser, beside those that another tab has noted meanwhile', async () => {
    const page = await givenPage();
    localStorage.setItem(
      'midturn:sessions',
      JSON.stringify([{ id: 'other', title: 'Of another tab', usedAt: 1 }]),
    );
    page.story.begin(['m1']);
    page.story.takeIn([{ id: 'm1', content: 'mine' }], 1);
    await page.deliver();
    const kept = JSON.parse(localStorage.getItem('midturn:sessions') ?? '') as {
      id: string;
      title: string;
    }[];
    expect(kept.map(({ id, title }) => [id, title])).toEqual([
      ['s', 'mine'],
      ['other', 'Of another tab'],
    ]);
  });

  it('that another tab has noted is in the list, before the server answers', async () => {
    const page = await givenPage({ answers: (frame) => (frame.type === 'sessions' ? [] : undefined) });
    localStorage.setItem(
      'midturn:sessions',
      JSON.stringify([{ id: 'other', title: 'Of another tab', usedAt: 1 }]),
    );
    act(() => void window.dispatchEvent(new StorageEvent('storage')));
    expect(titles(page)).toEqual(['Of another tab']);
  });

  it.each(['the one that is shown', 'another one'])(
    '%s: is deleted once that was confirmed, and is then in no list',
    async (which) => {
      localStorage.setItem(
        'midturn:sessions',
        JSON.stringify([
          { id: 's', title: 'Here', usedAt: 2 },
          { id: 'o', title: 'There', usedAt: 1 },
        ]),
      );
      let isDeleted = false;
      const page = await givenPage({
        listed: [listedSession('s', 'Here', 2), listedSession('o', 'There', 1)],
        answers(frame) {
          isDeleted ||= frame.type === 'delete';
          // The new list is late.
          return frame.type === 'sessions' && isDeleted ? [] : undefined;
        },
      });
      const [id, title] = which === 'another one' ? ['o', 'There'] : ['s', 'Here'];
      click(page.button(`Delete “${title}”`));
      click(page.button('Keep it'));
      await page.pass();
      expect(page.sent('delete')).toEqual([]);
      click(page.button(`Delete “${title}”`));
      click(page.button('Delete'));
      await page.pass();
      expect(page.sent('delete').map(({ session_id }) => session_id)).toEqual([id]);
      expect(titles(page)).toEqual([id === 'o' ? 'Here' : 'There']);
      expect(localStorage.getItem('midturn:sessions')).not.toContain(title);
      // The one that was shown makes place for a new one.
      expect(sessionOf(location.hash) === 's').toBe(id === 'o');
    },
  );

  it('that could not be deleted stays, and is shown', async () => {
    localStorage.setItem('midturn:sessions', JSON.stringify([{ id: 's', title: 'Here', usedAt: 2 }]));
    const page = await givenPage({
      listed: [listedSession('s', 'Here')],
      answers: (frame) =>
        frame.type === 'delete' ? [refusal(frame, 'SESSION_NOT_FOUND', 'Not now.')] : undefined,
    });
    click(page.button('Delete “Here”'));
    click(page.button('Delete'));
    await page.pass();
    expect(alerts(page)).toEqual(['“Here” could not be deleted. Not now.']);
    expect([titles(page), sessionOf(location.hash)]).toEqual([['Here'], 's']);
    expect(localStorage.getItem('midturn:sessions')).toContain('Here');
  });

  it('that another device has deleted says so, is in no list, and a new one can be begun', async () => {
    const listed = [listedSession('s', 'Tea'), listedSession('o', 'There')];
    const page = await givenPage({ story: told('Tea'), listed });
    await page.deliver({
      type: 'error',
      code: 'SESSION_DELETED',
      message: 'Deleted.',
      terminal: false,
      retryable: false,
    });
    await page.pass(1000);
    expect(page.texts('.banner strong')).toEqual(['This conversation was deleted.']);
    expect(titles(page)).toEqual(['There']);
    expect(page.button('Send').disabled).toBe(true);
    // The banner says it: it is no trouble of the message that is written.
    expect(page.texts('.composer-problem')).toEqual([]);
    click(page.button('Begin a new one'));
    await page.pass();
    expect(sessionOf(location.hash)).not.toBe('s');
    expect(page.texts('.banner')).toEqual([]);
  });

  it('is saved as a file of all of its pages, in their order', async () => {
    const saved: Blob[] = [];
    vi.spyOn(URL, 'createObjectURL').mockImplementation((blob) => {
      saved.push(blob as Blob);
      return 'blob:saved';
    });
    const revoked = vi.spyOn(URL, 'revokeObjectURL').mockReturnValue();
    const names: string[] = [];
    vi.spyOn(HTMLAnchorElement.prototype, 'click').mockImplementation(function (this: HTMLAnchorElement) {
      names.push(this.download);
    });
    const page = await givenPage({
      listed: [listedSession('s', 'Here')],
      answers: (frame) =>
        frame.type === 'export'
          ? [
              frame.after === undefined
                ? { type: 'export', session_id: 's', data: '{"n":1}\n', next: 'p2' }
                : { type: 'export', session_id: 's', after: frame.after, data: '{"n":2}\n' },
            ]
          : undefined,
    });
    click(page.button('Save “Here” as a file'));
    await page.pass();
    expect(names).toEqual(['Here.jsonl']);
    expect(saved[0]?.type).toBe('application/jsonl');
    expect(await saved[0]?.text()).toBe('{"n":1}\n{"n":2}\n');
    expect(revoked).toHaveBeenCalledWith('blob:saved');
    expect(status(page)).toBe('“Here” was saved as a file.');
  });
});

describe('a name', () => {
  const given = async () => {
    const page = await givenPage({ listed: [listedSession('s', 'Here')] });
    click(page.button('Rename “Here”'));
    const field = named(page.root, 'input', 'Name of the conversation') as HTMLInputElement;
    const renamed = () => page.sent('rename').map(({ name }) => name);
    return { page, field, renamed };
  };

  it('is taken when the field is left, without blanks around it, once', async () => {
    const { page, field, renamed } = await given();
    write(field, '  There ');
    act(() => field.blur());
    await page.pass();
    expect(renamed()).toEqual(['There']);
  });

  it('is not taken with Escape, nor where nothing was written, nor an empty one, nor the same', async () => {
    const { page, field, renamed } = await given();
    const inField = () => named(page.root, 'input', 'Name of the conversation') as HTMLInputElement;
    write(field, 'There');
    press(field, 'Escape');
    await page.pass();
    expect(document.activeElement).toBe(page.button('Rename “Here”'));
    for (const written of [undefined, '  ', 'Here']) {
      click(page.button('Rename “Here”'));
      if (written !== undefined) write(inField(), written);
      press(inField(), 'Enter');
      await page.pass();
      expect(document.activeElement).toBe(page.button('Rename “Here”'));
    }
    expect(renamed()).toEqual([]);
  });

  it('is not taken by the Enter of an input method', async () => {
    const { field, renamed, page } = await given();
    write(field, 'There');
    press(field, 'Enter', { isComposing: true });
    await page.pass();
    expect(renamed()).toEqual([]);
  });
});

describe('a search', () => {
  const five = ['Tea', 'Train to Oslo', 'Soup', 'Oslo by night', 'Rain'];
  const search = (page: Page) => page.root.querySelector<HTMLInputElement>('input[type="search"]');

  it.each([4, 5])('is there from five sessions on: with %i', async (count) => {
    const listed = five.slice(0, count).map((title, n) => listedSession(`s${n}`, title, 10 - n));
    const page = await givenPage({ listed });
    expect(search(page) !== null).toBe(count === 5);
  });

  it('shows what it finds in the loaded ones at once, and all again when it is emptied', async () => {
    const page = await givenPage({ listed: five.map((title, n) => listedSession(`s${n}`, title, 10 - n)) });
    const field = search(page);
    if (!field) throw new Error('There is no search.');
    const said = () => page.texts('.sidebar p[role="status"]').at(-1);
    write(field, ' OSLO ');
    expect(titles(page)).toEqual(['Train to Oslo', 'Oslo by night']);
    expect(said()).toBe('2 found');
    write(field, 'nowhere');
    expect(said()).toBe('No title has these words.');
    write(field, '');
    expect([titles(page).length, said()]).toEqual([5, '']);
  });
});
