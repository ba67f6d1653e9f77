import { describe, expect, it } from 'vitest';
import type { Sessions } from './chat.ts';
import type { FrameOf, ServerFrame } from './protocol.ts';

import { givenChat, SECOND } from './testing/given-chat.ts';
import { last } from './testing/last.ts';

describe('sessions', () => {
  const summary = (session_id: string) => ({ session_id, created_at: 1, active_at: 2, message_count: 4 });

  it('are listed page by page, and a page is asked for again until it comes', async () => {
    const { chat, open, clock } = givenChat();
    const asked = chat.sessions.list({ limit: 1 });
    const socket = await open();
    expect(socket.sentOf('sessions')).toEqual([{ type: 'sessions', limit: 1 }]);
    await clock.advance(6 * SECOND);
    expect(socket.sentOf('sessions')).toHaveLength(2);
    const page: FrameOf<'sessions'> = {
      type: 'sessions',
      sessions: [{ ...summary('b'), name: 'B' }],
      next: 'cursor',
    };
    socket.deliver(page);
    expect(await asked).toEqual({
      sessions: [{ sessionId: 'b', name: 'B', createdAt: 1, activeAt: 2, messageCount: 4 }],
      next: 'cursor',
    });
    const second = chat.sessions.list({ after: 'cursor' });
    // The answer to the repeated first request does not answer this one.
    socket.deliver(page, { type: 'sessions', sessions: [summary('a')], after: 'cursor' });
    expect((await second).sessions.map(({ sessionId }) => sessionId)).toEqual(['a']);
  });

  const page = (session_id: string, asked: object = {}) => ({
    type: 'sessions' as const,
    sessions: [summary(session_id)],
    ...asked,
  });
  it.each<[string, (sessions: Sessions) => readonly [Promise<unknown>, Promise<unknown>], ServerFrame[]]>([
    [
      'a list and a search',
      (sessions) => [sessions.list(), sessions.list({ query: 'soup' })],
      [page('a'), page('b', { query: 'soup' })],
    ],
    [
      'two searches',
      (sessions) => [sessions.list({ query: 'pie' }), sessions.list({ query: 'soup' })],
      [page('a', { query: 'pie' }), page('b', { query: 'soup' })],
    ],
    [
      'two pages of a search',
      (sessions) => [sessions.list({ query: 'pie' }), sessions.list({ query: 'pie', after: '1' })],
      [page('a', { query: 'pie' }), page('b', { query: 'pie', after: '1' })],
    ],
    [
      'two names of a session',
      (sessions) => [sessions.rename('x', 'Soup'), sessions.rename('x', 'Pie')],
      ['Soup', 'Pie'].map((name) => ({ type: 'renamed', session_id: 'x', name })),
    ],
    [
      'the deletions of two sessions',
      (sessions) => [sessions.delete('x'), sessions.delete('y')],
      ['x', 'y'].map((session_id) => ({ type: 'deleted', session_id })),
    ],
  ])('%s at the same time are two requests, each with its own answer', async (_, ask, answers) => {
    const { chat, open } = givenChat();
    const settled: number[] = [];
    const requests = ask(chat.sessions);
    for (const [i, request] of requests.entries()) void request.then(() => settled.push(i));
    const socket = await open();
    const [first, second] = answers;
    if (!first || !second) throw new Error('There are two answers.');
    socket.deliver(second);
    await requests[1];
    expect(settled).toEqual([1]);
    socket.deliver(first);
    await requests[0];
    const values = await Promise.all(requests);
    if (first.type === 'sessions')
      expect(values).toMatchObject([{ sessions: [{ sessionId: 'a' }] }, { sessions: [{ sessionId: 'b' }] }]);
  });

  it('are renamed, the own one in its state too, and one that there is not is an error', async () => {
    const { chat, open, errors } = givenChat();
    const socket = await open();
    const renamed = chat.sessions.rename('s', 'Soup');
    socket.deliver({ type: 'renamed', session_id: 's', name: 'Soup' });
    await renamed;
    expect(chat.transcript.getSnapshot().name).toBe('Soup');
    const refused = chat.sessions.rename('x', 'Soup');
    socket.deliver({
      type: 'error',
      code: 'SESSION_NOT_FOUND',
      message: '',
      terminal: false,
      retryable: false,
      session_id: 'x',
    });
    await expect(refused).rejects.toMatchObject({ name: 'ServerReplyError', code: 'SESSION_NOT_FOUND' });
    expect(errors).toEqual([]);
  });

  it('are exported in pieces, over a lost connection', async () => {
    const { chat, open, clock } = givenChat();
    const first = await open();
    const pieces: string[] = [];
    const all = (async () => {
      for await (const piece of chat.sessions.export('x')) pieces.push(piece);
    })();
    await clock.advance(0);
    first.deliver({ type: 'export', session_id: 'x', data: '{"a":', next: '1.4' });
    await clock.advance(0);
    expect(last(first.sentOf('export'))).toEqual({ type: 'export', session_id: 'x', after: '1.4' });
    first.cut();
    await clock.advance(SECOND);
    const second = await open();
    expect(second.sentOf('export')).toEqual([{ type: 'export', session_id: 'x', after: '1.4' }]);
    second.deliver({ type: 'export', session_id: 'x', data: '1}\n', after: '1.4' });
    await all;
    expect(pieces.join('')).toBe('{"a":1}\n');
  });

  it('are deleted; with its own session the chat closes, also when the answer is lost', async () => {
    const { chat, open, clock, socket } = givenChat();
    const first = await open();
    const other = chat.sessions.delete('x');
    first.deliver({ type: 'deleted', session_id: 'x' });
    await other;
    expect(chat.transcript.getSnapshot().connection.status).toBe('online');
    const own = chat.sessions.delete('s');
    first.cut();
    await clock.advance(SECOND);
    socket().accept();
    socket().deliver({
      type: 'error',
      code: 'SESSION_DELETED',
      message: '',
      terminal: false,
      retryable: false,
    });
    await own;
    expect(chat.transcript.getSnapshot().connection.status).toBe('closed');
    await expect(chat.sessions.list()).rejects.toMatchObject({ code: 'CLOSED' });
  });
});
