import { describe, expect, it } from 'vitest';
import { ClosedError } from '../index.ts';
import { Clock, clockPlatform } from '../testing/clock.ts';
import { type FakeSocket, fakeSockets } from '../testing/socket.ts';
import { Story } from '../testing/story.ts';
import { HeldChat, type UseMidturnOptions } from './held-chat.ts';

const URL = 'wss://example.test/prod';
const ignore = () => {};

function givenHeldChat(options: Partial<UseMidturnOptions> = {}) {
  const clock = new Clock();
  const { WebSocket, sockets } = fakeSockets();
  const { platform } = clockPlatform(clock, { idPrefix: 'm' });
  const all: UseMidturnOptions = { url: URL, WebSocket, platform, ...options };
  const held = new HeldChat({ url: URL, sessionId: 's' });
  held.use(all);
  const open = () => sockets.filter(({ readyState }) => readyState < 2).length;
  const answer = async (socket: FakeSocket | undefined) => {
    socket?.accept();
    socket?.deliver(new Story().sessionStart('lane-1'), { type: 'connected', message: '' });
    await clock.advance(0);
  };
  return { held, all, clock, sockets, open, answer };
}

describe('a chat that is held', () => {
  it('opens when it is first held, tells so, and closes when nobody holds it', async () => {
    const { held, clock, sockets, open } = givenHeldChat();
    await clock.advance(0);
    expect([held.get(), sockets.length]).toEqual([undefined, 0]);
    const known: unknown[] = [];
    const first = held.hold(() => known.push(held.get()));
    const second = held.hold(ignore);
    await clock.advance(0);
    expect(known).toEqual([held.get()]);
    expect(held.get()?.sessionId).toBe('s');
    first();
    await clock.advance(0);
    expect(open()).toBe(1);
    second();
    await clock.advance(0);
    expect([sockets.length, open()]).toEqual([1, 0]);
    expect(() => held.open().send('too late')).toThrow(ClosedError);
  });

  it('P1: is the same chat, with what was written, when it is held again at once, as StrictMode does', async () => {
    const { held, clock, sockets, open, answer } = givenHeldChat();
    const end = held.hold(ignore);
    held.open().send('hello');
    const before = held.get();
    end();
    held.hold(ignore);
    await clock.advance(0);
    await answer(sockets[0]);
    expect(held.get()).toBe(before);
    expect([sockets.length, open()]).toEqual([1, 1]);
    expect(sockets[0]?.sentOf('message').map(({ content }) => content)).toEqual(['hello']);
  });

  it('P1: sends what the effect of a child wrote before anybody held it', async () => {
    const { held, clock, sockets, answer } = givenHeldChat();
    held.open().send('first');
    held.hold(ignore);
    await clock.advance(0);
    await answer(sockets[0]);
    expect(sockets.length).toBe(1);
    expect(sockets[0]?.sentOf('message').map(({ content }) => content)).toEqual(['first']);
  });

  it('is a new chat when it is held again later', async () => {
    const { held, clock, sockets, open } = givenHeldChat();
    held.hold(ignore)();
    await clock.advance(0);
    const before = held.get();
    held.hold(ignore);
    await clock.advance(0);
    expect(held.get()).not.toBe(before);
    expect(held.get()?.transcript.getSnapshot().connection.status).not.toBe('closed');
    expect(open()).toBe(1);
    expect(sockets.length).toBe(1);
  });

  it('does not open a deleted session again while it is held', async () => {
    const { held, clock, sockets, answer } = givenHeldChat();
    held.hold(ignore);
    await clock.advance(0);
    await answer(sockets[0]);
    sockets[0]?.deliver({ type: 'deleted', session_id: 's' });
    held.hold(ignore);
    await clock.advance(60_000);
    expect(held.open().transcript.getSnapshot().connection.status).toBe('closed');
    expect(sockets.length).toBe(1);
  });
});

describe('its options', () => {
  it('`token`, `onError` and `onFrame` are those of the newest render', async () => {
    const said: string[] = [];
    const of = (render: string): Partial<UseMidturnOptions> => ({
      token: () => render,
      onFrame: (direction) => said.push(`${render} ${direction}`),
      onError: ({ code }) => said.push(`${render} ${code}`),
    });
    const { held, all, clock, sockets, answer } = givenHeldChat(of('old'));
    held.hold(ignore);
    held.use({ ...all, ...of('new') });
    await clock.advance(0);
    expect(sockets[0]?.protocols).toContain('bearer.new');
    await answer(sockets[0]);
    const refusal = { code: 'INVALID_FRAME', message: '', terminal: false, retryable: false } as const;
    sockets[0]?.deliver({ type: 'error', ...refusal });
    expect(new Set(said)).toEqual(new Set(['new out', 'new in', 'new INVALID_FRAME']));
  });

  it('a token that is a text is the one of the opening, and none is none', async () => {
    for (const [token, protocol] of [
      ['text', 'bearer.text'],
      [undefined, undefined],
    ]) {
      const { held, clock, sockets } = givenHeldChat(token === undefined ? {} : { token });
      held.hold(ignore);
      await clock.advance(0);
      expect(sockets[0]?.protocols.find((one) => one.startsWith('bearer'))).toBe(protocol);
    }
  });
});
