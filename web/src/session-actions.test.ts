// @vitest-environment happy-dom
import { act } from 'react';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Chat, ClosedError, type Sessions } from '../../client/index.ts';
import { hookOf } from '../testing/rendered.ts';
import { useStoredSessions } from './use-stored-sessions.ts';

const info = (sessionId: string) => ({
  sessionId,
  name: undefined,
  agent: undefined,
  createdAt: 0,
  activeAt: 0,
  messageCount: 1,
});

beforeEach(() => {
  vi.spyOn(URL, 'createObjectURL').mockReturnValue('blob:saved');
  vi.spyOn(URL, 'revokeObjectURL').mockReturnValue();
  vi.spyOn(HTMLAnchorElement.prototype, 'click').mockReturnValue();
});
afterEach(() => void vi.restoreAllMocks());

/** The actions of a page, and what the server does with them. */
async function given(server: Partial<Record<keyof Sessions, unknown>> = {}) {
  const asked: unknown[][] = [];
  const keep =
    (name: string) =>
    async (...how: unknown[]) => {
      asked.push([name, ...how]);
    };
  const list = vi.fn(async () => ({ sessions: [info('a'), info('b')], next: undefined }));
  const chat = {
    transcript: {
      subscribe: () => () => {},
      getSnapshot: () => ({ connection: { status: 'online' } }),
    },
    sessions: {
      list,
      rename: keep('rename'),
      delete: keep('delete'),
      async *export(id: string) {
        asked.push(['export', id]);
        yield 'x';
      },
      ...server,
    },
  } as unknown as Chat;
  const hook = hookOf(useStoredSessions, chat);
  const settled = () => act(() => new Promise<void>((resolve) => setTimeout(resolve, 0)));
  await settled();
  return { hook, asked, list, settled, ids: () => hook.current.sessions?.map(({ sessionId }) => sessionId) };
}

const no = (error: unknown) => () => Promise.reject(error);
const exportOf = (error: unknown) =>
  // biome-ignore lint/correctness/useYield: it fails before it has anything
  async function* () {
    throw error;
  };

describe('an action on a session', () => {
  it.each<[string, (stored: ReturnType<typeof useStoredSessions>) => unknown, unknown[], string]>([
    ['rename', ({ rename }) => rename('a', 'Tea', 'Coffee'), ['a', 'Coffee'], 'Renamed to “Coffee”.'],
    ['delete', ({ remove }) => remove('a', 'Tea'), ['a'], '“Tea” was deleted.'],
    ['export', ({ save }) => save('a', 'Tea'), ['a'], '“Tea” was saved as a file.'],
  ])('%s says that it is done, and the list is loaded again', async (name, action, how, words) => {
    const { hook, asked, list, settled } = await given();
    const before = list.mock.calls.length;
    await act(async () => void action(hook.current));
    await settled();
    expect(asked).toEqual([[name, ...how]]);
    expect(hook.current.outcome).toEqual({ words, failed: false });
    expect(list.mock.calls.length).toBe(before + 1);
    act(() => hook.current.forgetOutcome());
    expect(hook.current.outcome).toBeUndefined();
  });

  const why = new Error('Too many.');
  it.each<
    [string, Parameters<typeof given>[0], (stored: ReturnType<typeof useStoredSessions>) => unknown, string]
  >([
    [
      'a name',
      { rename: no(why) },
      ({ name }) => name('a', 'Tea'),
      '“Tea” could not be given as a name. Too many.',
    ],
    [
      'another name',
      { rename: no(why) },
      ({ rename }) => rename('a', 'Tea', 'Coffee'),
      '“Tea” could not be renamed. Too many.',
    ],
    [
      'an end',
      { delete: no(why) },
      ({ remove }) => remove('a', 'Tea'),
      '“Tea” could not be deleted. Too many.',
    ],
    [
      'a file',
      { export: exportOf(why) },
      ({ save }) => save('a', 'Tea'),
      '“Tea” could not be saved. Too many.',
    ],
    [
      'a text',
      { delete: no('Never.') },
      ({ remove }) => remove('a', 'Tea'),
      '“Tea” could not be deleted. Never.',
    ],
    [
      'the end of its chat',
      { delete: no(new ClosedError()) },
      ({ remove }) => remove('a', 'Tea'),
      '“Tea” could not be deleted. The connection that it went over was closed: open another conversation and try again.',
    ],
  ])('that fails says why: %s', async (_, server, action, words) => {
    const { hook, list, settled, ids } = await given(server);
    const before = list.mock.calls.length;
    await act(async () => void action(hook.current));
    await settled();
    expect(hook.current.outcome).toEqual({ words, failed: true });
    expect([list.mock.calls.length, ids()]).toEqual([before + 1, ['a', 'b']]);
    expect(HTMLAnchorElement.prototype.click).not.toHaveBeenCalled();
  });

  it('tells whether a session was deleted, which is then in no list, though the new list is late', async () => {
    let isLate = false;
    const { hook, settled, ids } = await given({
      list: async () => {
        if (isLate) await new Promise(() => {});
        return { sessions: [info('a'), info('b')], next: undefined };
      },
    });
    isLate = true;
    let removed: boolean | undefined;
    await act(async () => {
      removed = await hook.current.remove('a', 'Tea');
    });
    await settled();
    expect([removed, ids()]).toEqual([true, ['b']]);
    act(() => hook.current.drop('b'));
    expect(ids()).toEqual([]);
    const failing = await given({ delete: no(why) });
    await act(async () => {
      removed = await failing.hook.current.remove('a', 'Tea');
    });
    expect(removed).toBe(false);
  });

  it('says nothing of a name that is given for now', async () => {
    const { hook, asked, settled } = await given();
    act(() => hook.current.name('a', 'Tea'));
    await settled();
    expect(asked).toEqual([['rename', 'a', 'Tea', { provisional: true }]]);
    expect(hook.current.outcome).toBeUndefined();
  });

  it('does nothing while there is no chat', async () => {
    const hook = hookOf(useStoredSessions, undefined);
    expect(await hook.current.remove('a', 'Tea')).toBe(false);
    expect([hook.current.sessions, hook.current.outcome, hook.current.hasMore]).toEqual([
      undefined,
      undefined,
      false,
    ]);
  });
});

it('a list that cannot be loaded says why, and one whose chat was closed says nothing', async () => {
  const failing = await given({ list: no(new Error('Not now.')) });
  expect(failing.hook.current.outcome).toEqual({
    words: 'The list could not be loaded. Not now.',
    failed: true,
  });
  const closed = await given({ list: no(new ClosedError()) });
  expect(closed.hook.current.outcome).toBeUndefined();
});
