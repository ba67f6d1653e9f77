import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { ClosedError, type SessionPage } from '../../client/index.ts';
import { foundSessions, TitleSearch } from './title-search.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const info = (sessionId: string, name = sessionId, activeAt = 0) => ({
  sessionId,
  name,
  agent: undefined,
  createdAt: 0,
  activeAt,
  messageCount: 1,
});

/** A server that is asked for pages, and answers when the test does. */
function given() {
  const asked: {
    query?: string;
    after?: string;
    limit?: number;
    answer: (page: SessionPage) => void;
    fail: (why: Error) => void;
  }[] = [];
  const sessions = {
    list: (how: { query?: string; after?: string; limit?: number } = {}) =>
      new Promise<SessionPage>((answer, fail) => void asked.push({ ...how, answer, fail })),
  };
  const search = new TitleSearch();
  return {
    asked,
    search,
    sessions,
    look: (query: string, after = 'p1') => search.ask({ sessions, query, after }),
    found: () => search.getSnapshot().sessions.map(({ sessionId }) => sessionId),
    state: () => search.getSnapshot().state,
  };
}
const settled = (ms = 300) => vi.advanceTimersByTimeAsync(ms);
const page = (next: string | undefined, ...ids: string[]): SessionPage => ({
  sessions: ids.map((id) => info(id)),
  next,
});

it('asks once for words that come letter by letter, from where the loaded list ends, page after page', async () => {
  const { asked, search, look, found, state } = given();
  search.more();
  for (const query of ['l', 'li', 'lis']) look(query);
  expect(state()).toBe('looking');
  await settled();
  expect(asked).toMatchObject([{ query: 'lis', after: 'p1' }]);
  asked[0]?.answer(page('p2', 'a'));
  await settled(0);
  expect(asked[1]).toMatchObject({ query: 'lis', after: 'p2' });
  expect([found(), state()]).toEqual([['a'], 'looking']);
  asked[1]?.answer(page(undefined, 'b'));
  await settled(0);
  expect([found(), state()]).toEqual([['a', 'b'], 'whole']);
  search.more();
  await settled();
  expect([asked.length, state()]).toEqual([2, 'whole']);
});

it('reads five pages for one search, and goes on where it is asked to', async () => {
  const { asked, search, look, found, state } = given();
  look('rare');
  await settled();
  for (let n = 0; n < 5; n++) {
    asked[n]?.answer(page(`q${n}`));
    await settled(0);
  }
  expect([asked.length, state()]).toEqual([5, 'partly']);
  search.more();
  expect([asked[5]?.after, state()]).toEqual(['q4', 'looking']);
  asked[5]?.answer(page(undefined, 'z'));
  await settled(0);
  expect([found(), state()]).toEqual([['z'], 'whole']);
});

const many = (from: number, count: number) => Array.from({ length: count }, (_, n) => `s${from + n}`);

it('twenty found ones are enough; twenty more are when it goes on, beside those of before', async () => {
  const { asked, search, look, found, state } = given();
  look('often');
  await settled();
  expect(asked[0]).toMatchObject({ limit: 100 });
  asked[0]?.answer(page('q1', ...many(0, 19)));
  await settled(0);
  expect(state()).toBe('looking');
  asked[1]?.answer(page('q2', ...many(19, 1)));
  await settled(0);
  expect([asked.length, state()]).toEqual([2, 'partly']);
  search.more();
  expect([asked[2]?.after, found().length]).toEqual(['q2', 20]);
  asked[2]?.answer(page('q3', ...many(20, 19)));
  await settled(0);
  expect(state()).toBe('looking');
  asked[3]?.answer(page('q4', ...many(39, 1)));
  await settled(0);
  expect([found(), state()]).toEqual([many(0, 40), 'partly']);
});

it('what was found stays while the server is late with more, also for a list that was loaded anew', async () => {
  const { asked, look, found, state } = given();
  look('a');
  await settled();
  asked[0]?.answer(page('p2', 'x'));
  await settled(5000);
  expect([found(), state()]).toEqual([['x'], 'late']);
  look('a', 'p0');
  await settled();
  expect([found(), state(), asked.length]).toEqual([['x'], 'late', 2]);
  look('b', 'p0');
  await settled();
  expect([found(), state(), asked.length]).toEqual([[], 'late', 2]);
});

it('is not late any more once it was answered or refused, however long ago', async () => {
  const { asked, search, look, state } = given();
  look('a');
  await settled();
  asked[0]?.answer(page('q1', ...many(0, 20)));
  await settled(6000);
  expect(state()).toBe('partly');
  search.more();
  asked[1]?.fail(new Error('No.'));
  await settled(6000);
  expect(state()).toBe('partly');
  search.more();
  expect(asked).toHaveLength(3);
});

it('what was found, or went wrong, for other words is not shown for these', async () => {
  const { asked, search, look, found, state } = given();
  look('a');
  await settled();
  asked[0]?.answer(page(undefined, 'x'));
  await settled(0);
  look('b');
  expect([found(), state()]).toEqual([[], 'looking']);
  await settled();
  look('c');
  await settled();
  asked[1]?.fail(new Error('No.'));
  await settled(0);
  expect([state(), search.getSnapshot().trouble]).toEqual(['looking', undefined]);
});

it('the late answer of another chat asks nothing again, and nobody who has left is told', async () => {
  const first = given();
  first.look('a');
  await settled(6000);
  const second = given();
  const told = vi.fn();
  const leave = first.search.subscribe(told);
  first.search.ask({ sessions: second.sessions, query: 'a', after: 'p1' });
  await settled();
  expect(second.asked).toHaveLength(1);
  leave();
  told.mockClear();
  first.asked[0]?.answer(page(undefined, 'late'));
  await settled();
  second.asked[0]?.answer(page(undefined, 'mine'));
  await settled();
  expect([second.asked.length, first.found(), told.mock.calls.length]).toEqual([1, ['mine'], 0]);
});

it('a server that has not answered is asked nothing more until it does, and then for the last words', async () => {
  const { asked, look, found, state } = given();
  look('a');
  await settled(300 + 5000);
  for (const query of ['ab', 'abc']) {
    look(query);
    await settled();
    expect([asked.length, state()]).toEqual([1, 'late']);
  }
  asked[0]?.answer(page(undefined, 'old'));
  await settled();
  expect(asked[1]).toMatchObject({ query: 'abc' });
  asked[1]?.answer(page(undefined, 'new'));
  await settled(0);
  expect([found(), state()]).toEqual([['new'], 'whole']);
});

it('a server that never answers a search is waited for, which is said, and an answer that comes late still counts', async () => {
  const { asked, look, found, state } = given();
  look('a');
  await settled();
  await settled(5000);
  expect(state()).toBe('late');
  asked[0]?.answer(page(undefined, 'late'));
  await settled(0);
  expect([found(), state()]).toEqual([['late'], 'whole']);
});

it('an answer to words that were changed since shows nothing', async () => {
  const { asked, look, found, state } = given();
  look('a');
  await settled();
  look('ab');
  asked[0]?.answer(page(undefined, 'of a'));
  await settled(0);
  expect([found(), state()]).toEqual([[], 'looking']);
});

it('a server that refuses is told of, and one whose connection was closed is not', async () => {
  const { asked, search, look, state } = given();
  look('a');
  await settled();
  asked[0]?.fail(new Error('No.'));
  await settled(0);
  expect(search.getSnapshot()).toMatchObject({ state: 'partly', trouble: 'No.' });
  search.more();
  asked[1]?.fail(new ClosedError());
  await settled(0);
  expect([state(), search.getSnapshot().trouble]).toEqual(['partly', undefined]);
});

it('what was found stays while the loaded list has changed, until it is found again', async () => {
  const { asked, search, look, found, state } = given();
  look('a', 'p1');
  await settled();
  asked[0]?.answer(page(undefined, 'x'));
  await settled(0);
  look('a', 'p2');
  expect([found(), state()]).toEqual([['x'], 'looking']);
  search.ask(undefined);
  expect([found(), state()]).toEqual([[], 'none']);
});

it('finds the loaded sessions and those of the server, each once, last used first', () => {
  const loaded = [
    { id: 'a', title: 'Öl', usedAt: 9 },
    { id: 'b', title: 'Tea', usedAt: 5 },
  ];
  const older = [info('c', 'OL in Rom', 10), info('a', 'Öl', 9), info('d', 'ol', 1)];
  expect(foundSessions(loaded, older, 'ol').map(({ id }) => id)).toEqual(['c', 'a', 'd']);
});
