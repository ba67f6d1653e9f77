// @vitest-environment happy-dom
import { act } from 'react';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { hookOf } from '../../web/testing/rendered.ts';
import type { MidturnError } from '../errors.ts';
import type { EventOf } from '../protocol.ts';
import { Clock, clockPlatform } from '../testing/clock.ts';
import { givenChat } from '../testing/given-chat.ts';
import { type FakeSocket, fakeSockets } from '../testing/socket.ts';
import { Story } from '../testing/story.ts';
import { useMidturn, useQuestions, useUploads } from './index.ts';

const frames: (() => void)[] = [];
beforeEach(() => {
  frames.length = 0;
  vi.stubGlobal('requestAnimationFrame', (run: () => void) => frames.push(run));
  vi.stubGlobal('cancelAnimationFrame', () => {});
});
afterEach(() => {
  vi.unstubAllGlobals();
});

/** Lets promises settle, and paints what has changed. */
const settle = () =>
  act(async () => {
    await new Promise(setImmediate);
    for (const run of frames.splice(0)) run();
    await new Promise(setImmediate);
  });

describe('useUploads', () => {
  interface Put {
    signal: AbortSignal | undefined;
    /** Ends the request with this status; undefined: the connection is lost. */
    end(status?: number): void;
  }

  /** A component with a chat whose server takes files of 1.5 MB, and a bucket that the test plays. */
  async function given(more: { limit?: number | undefined; noChat?: boolean } = {}) {
    const puts: Put[] = [];
    vi.stubGlobal('XMLHttpRequest', undefined);
    vi.stubGlobal(
      'fetch',
      (_: string, { signal }: { signal?: AbortSignal }) =>
        new Promise((resolve, reject) => {
          signal?.addEventListener('abort', () => reject(signal.reason));
          const end = (status?: number) => (status ? resolve({ status }) : reject(new TypeError('lost')));
          puts.push({ signal, end });
        }),
    );
    const { chat, open } = givenChat();
    const socket = await open();
    socket.onsent = (frame) => {
      if (frame.type !== 'upload') return;
      const address = { method: 'PUT', url: 'https://b.test/', headers: {}, expires_in_ms: 1 } as const;
      socket.deliver({ type: 'upload', id: frame.id, file: `f-${frame.name}`, ...address });
    };
    const errors: [string, string, string][] = [];
    const onError = ({ code, message }: MidturnError, file: File) =>
      void errors.push([code, message, file.name]);
    const props = {
      chat: more.noChat ? undefined : chat,
      limit: 'limit' in more ? more.limit : 1_500_000,
      onError,
    };
    const hook = hookOf(({ chat, ...options }: typeof props) => useUploads(chat, options), props);
    const attach = async (...files: File[]) => {
      await act(async () => {
        for (const file of files) void hook.current.attach(file);
      });
      await settle();
    };
    const end = async (put: Put | undefined, status?: number) => {
      put?.end(status);
      await settle();
    };
    return { hook, props, puts, errors, socket, attach, end };
  }
  const fileOf = (name: string, bytes = 3) => new File(['x'.repeat(bytes)], name, { type: 'image/png' });

  it('uploads each file as it is chosen; it is a part of the message when all of it is there', async () => {
    const { hook, puts, attach, end } = await given();
    await attach(fileOf('a.png'), fileOf('b.png'));
    expect(hook.current).toMatchObject({
      uploads: [
        { key: 1, name: 'a.png', sent: 0 },
        { key: 2, name: 'b.png', sent: 0 },
      ],
      parts: [],
      isBusy: true,
    });
    await end(puts[1], 200);
    const part = { type: 'file', file: 'f-b.png', media_type: 'image/png', size: 3, name: 'b.png' };
    expect(hook.current.uploads).toEqual([
      { key: 1, name: 'a.png', sent: 0 },
      { key: 2, name: 'b.png', sent: 1, part },
    ]);
    expect([hook.current.parts, hook.current.isBusy]).toEqual([[part], true]);
    await end(puts[0], 200);
    expect(hook.current.parts.map(({ file }) => file)).toEqual(['f-a.png', 'f-b.png']);
    expect(hook.current.isBusy).toBe(false);
    act(() => hook.current.clear());
    expect(hook.current).toMatchObject({ uploads: [], parts: [], isBusy: false });
  });

  it.each([
    [1_500_000, []],
    [1_500_001, [['FILE_REFUSED', 'It is too large: at most 1 MB.', 'a.png']]],
  ])('a file of %i bytes', async (bytes, refused) => {
    const { hook, errors, attach } = await given();
    await attach(fileOf('a.png', bytes));
    expect(errors).toEqual(refused);
    expect(hook.current.uploads).toHaveLength(refused.length === 0 ? 1 : 0);
  });

  it.each([{ limit: undefined }, { noChat: true }])(
    'is refused where the server takes none: %o',
    async (more) => {
      const { hook, errors, puts, attach } = await given(more);
      await attach(fileOf('a.png'));
      expect(errors).toEqual([['FILE_REFUSED', 'The server takes no files.', 'a.png']]);
      expect([hook.current.uploads, puts]).toEqual([[], []]);
    },
  );

  it('one that is taken out on its way is stopped, and is no error; the others go on', async () => {
    const { hook, errors, puts, attach, end } = await given();
    await attach(fileOf('a.png'), fileOf('b.png'));
    act(() => hook.current.remove(1));
    await settle();
    expect(puts.map(({ signal }) => signal?.aborted)).toEqual([true, false]);
    expect(hook.current.uploads.map(({ key }) => key)).toEqual([2]);
    await end(puts[1], 200);
    act(() => hook.current.remove(2));
    expect([hook.current.uploads, errors]).toEqual([[], []]);
  });

  it('one that fails is taken out, and the newest handler is told of which file', async () => {
    const { hook, props, errors, puts, attach, end } = await given();
    await attach(fileOf('a.png'), fileOf('b.png'));
    const newest: string[] = [];
    hook.change({ ...props, onError: ({ code }, file) => void newest.push(`${code} ${file.name}`) });
    await end(puts[0], 403);
    await end(puts[1]);
    expect([newest, errors]).toEqual([['UPLOAD_FAILED a.png', 'UPLOAD_FAILED b.png'], []]);
    expect(hook.current.uploads).toEqual([]);
  });

  it('what is on its way is stopped when the component unmounts, and what is there is not', async () => {
    const { hook, puts, attach, end } = await given();
    await attach(fileOf('a.png'), fileOf('b.png'));
    await end(puts[0], 200);
    hook.unmount();
    expect(puts.map(({ signal }) => signal?.aborted)).toEqual([false, true]);
  });

  it('its functions stay the same, and so does all of it until something changes', async () => {
    const { hook, props, attach } = await given();
    const before = hook.current;
    hook.change({ ...props, limit: 1, onError: () => {} });
    expect(hook.current).toBe(before);
    await attach(fileOf('a.png', 1));
    const { attach: same, remove, clear } = hook.current;
    expect([same, remove, clear]).toEqual([before.attach, before.remove, before.clear]);
    expect(hook.current.uploads).toHaveLength(1);
  });
});

it('useQuestions has those of the running turn, and none without a chat', async () => {
  const { chat, open, begin, story } = givenChat();
  const socket = await open();
  const hook = hookOf((one: typeof chat | undefined) => useQuestions(one), undefined);
  expect(hook.current).toEqual([]);
  hook.change(chat as never);
  const asked: Partial<EventOf<'elicitation_request'>> = {
    type: 'elicitation_request',
    request_id: 'r1',
    server: 'books',
    message: 'For whom?',
  };
  begin('u1');
  story.add(asked as never);
  socket.deliver(...story.events);
  await settle();
  await settle();
  expect(hook.current).toMatchObject([{ requestId: 'r1', server: 'books', message: 'For whom?' }]);
  hook.change(undefined);
  expect(hook.current).toEqual([]);
});

describe('useMidturn', () => {
  function given(url = 'wss://example.test/prod') {
    const clock = new Clock();
    const { WebSocket, sockets } = fakeSockets();
    const { platform } = clockPlatform(clock, { idPrefix: 'm' });
    const options = { url, WebSocket, platform };
    const use = ({ sessionId, ...more }: typeof options & { sessionId: string }) =>
      useMidturn(sessionId, more);
    const hook = hookOf(use, { sessionId: 's', ...options });
    const story = new Story();
    const open = async (): Promise<FakeSocket> => {
      await settle();
      const socket = sockets.at(-1);
      socket?.accept();
      socket?.deliver(story.sessionStart('lane-1'), { type: 'connected', message: '' });
      await settle();
      if (!socket) throw new Error('no socket');
      return socket;
    };
    return { hook, options, sockets, story, open };
  }

  it('shows the conversation as it changes, and each function is that of the chat', async () => {
    const { hook, story, open } = given();
    expect(hook.current.state.connection.status).toBe('connecting');
    const socket = await open();
    expect(hook.current.state.connection.status).toBe('online');
    const { send, stop, cancel, dismiss, approve, addToolOutput, revoke, history, connect, disconnect } =
      hook.current;
    const { id } = send('hello', { delivery: 'queue' });
    expect(socket.sentOf('message')).toMatchObject([{ id: 'm1', content: 'hello', delivery: 'queue' }]);
    socket.deliver({ type: 'accepted', id, turn_id: 't', placement: 'queued', position: 0 });
    cancel(id);
    expect(socket.sentOf('cancel')).toEqual([{ type: 'cancel', id }]);
    socket.deliver({ type: 'cancelled', ids: [id], reason: 'user' });
    await settle();
    expect(hook.current.state.items).toMatchObject([{ id, state: { status: 'cancelled' } }]);
    dismiss(id);
    await settle();
    expect(hook.current.state.items).toEqual([]);
    story.begin(['u1']);
    story.call('c1');
    story.askClient('r1', 'c1', 'lane-1');
    story.ask('r2');
    socket.deliver(...story.events);
    approve('r2', 'always');
    addToolOutput({ toolCallId: 'c1', output: 7 });
    revoke('pay');
    stop({ pending: 'discard' });
    expect(socket.sent.slice(-4)).toEqual([
      { type: 'approval_response', request_id: 'r2', decision: 'always' },
      { type: 'tool_output', request_id: 'r1', output: 7 },
      { type: 'revoke', trust: 'pay' },
      { type: 'abort', turn_id: 'turn-1', pending: 'discard', pending_ids: [] },
    ]);
    expect(await history()).toBe(false);
    disconnect();
    await settle();
    expect(hook.current.state.connection.status).toBe('offline');
    connect();
    await settle();
    expect(hook.current.state.connection.status).toBe('connecting');
    expect(hook.current).toMatchObject({ send, stop, cancel });
  });

  it('is another chat with another session or address, and the one before is closed', async () => {
    const { hook, options, sockets, open } = given();
    await open();
    const { chat: first, send } = hook.current;
    hook.change({ ...options, sessionId: 's' });
    await settle();
    expect([hook.current.chat, sockets.length]).toEqual([first, 1]);
    hook.change({ ...options, sessionId: 'other' });
    await settle();
    expect(hook.current.state.sessionId).toBe('other');
    expect(first?.transcript.getSnapshot().connection.status).toBe('closed');
    expect(hook.current.send).not.toBe(send);
    const second = hook.current.chat;
    hook.change({ ...options, url: 'wss://other.test/', sessionId: 'other' });
    await settle();
    expect(hook.current.chat).not.toBe(second);
    expect(sockets.map(({ url }) => url)).toEqual([
      'wss://example.test/prod?session_id=s',
      'wss://example.test/prod?session_id=other',
      'wss://other.test/?session_id=other',
    ]);
    hook.unmount();
    await settle();
    expect(sockets.map(({ readyState }) => readyState)).toEqual([3, 3, 3]);
  });
});
