import { describe, expect, it } from 'vitest';
import { expired, givenChat, MINUTE, SECOND } from './testing/given-chat.ts';
import type { FakeSocket } from './testing/socket.ts';

type Given = ReturnType<typeof givenChat>;

/** Passes so much time: the last millisecond of it changes what `look` gives, and no earlier one. */
async function changesAfter({ clock }: Given, milliseconds: number, look: () => unknown): Promise<void> {
  const before = look();
  await clock.advance(milliseconds - 1);
  expect(look()).toEqual(before);
  await clock.advance(1);
  expect(look()).not.toEqual(before);
}

/** The server answers each `ping` after a millisecond. */
function answerPings({ clock }: Given, socket: FakeSocket): FakeSocket {
  socket.onsent = ({ type }) => {
    if (type === 'ping') clock.after(1, () => socket.deliver({ type: 'pong' }));
  };
  return socket;
}

describe('a connection', () => {
  it('whose handshake is not over after 15 s is given up, and dialled again after its pause', async () => {
    const given = givenChat();
    await given.clock.advance(0);
    await changesAfter(given, 15 * SECOND, () => given.sockets[0]?.readyState);
    // Half of the first limit, and 100 ms.
    await changesAfter(given, 350, () => given.sockets.length);
  });

  it('that was idle for 5 minutes is pinged, counted from the last frame', async () => {
    const given = givenChat();
    const socket = await given.open();
    await given.clock.advance(4 * MINUTE);
    socket.deliver({ type: 'pong' });
    await changesAfter(given, 5 * MINUTE, () => socket.sentOf('ping').length);
  });

  it('counts as dead 15 s after a frame that nobody answers', async () => {
    const given = givenChat();
    const socket = await given.open();
    given.chat.send('hello');
    await changesAfter(given, 15 * SECOND, () => socket.readyState);
  });

  it('counts as dead 4 s after a wake, or when an earlier frame was to be answered', async () => {
    const given = givenChat();
    const socket = await given.open();
    given.wake();
    await changesAfter(given, 4 * SECOND, () => socket.readyState);
    const other = givenChat();
    const first = await other.open();
    other.chat.send('hello');
    await other.clock.advance(13 * SECOND);
    other.wake();
    await changesAfter(other, 2 * SECOND, () => first.readyState);
  });

  it('of a session that has too many is dialled again after 15 minutes', async () => {
    const given = givenChat();
    const socket = await given.open();
    const surplus = { code: 'TOO_MANY_CONNECTIONS', message: '', terminal: false, retryable: true } as const;
    socket.deliver({ type: 'error', ...surplus });
    socket.cut();
    await changesAfter(given, 15 * MINUTE, () => given.sockets.length);
    // A handshake that is lost then is an ordinary loss, the second one in a row.
    given.socket().cut();
    await changesAfter(given, 600, () => given.sockets.length);
  });
});

describe('a renewal', () => {
  it.each([
    [100, false],
    [112, true],
  ])('comes after %i minutes, while a turn runs: %s', async (minutes, isRunning) => {
    const given = givenChat();
    const socket = answerPings(given, await given.open());
    if (isRunning) {
      socket.deliver(...given.begin('u1', 'so far'));
      socket.onsent = () => given.clock.after(1, () => socket.deliver({ type: 'pong' }));
    }
    await changesAfter(given, minutes * MINUTE, () => given.sockets.length);
  });

  it('comes 30 s before the token expires, or at once when it has, and not twice within a minute', async () => {
    const given = givenChat({ token: () => 'brief' });
    const socket = await given.open('lane-1', { token_expires_in_ms: 3 * MINUTE });
    await changesAfter(given, 2.5 * MINUTE, () => given.sockets.length);
    expect(socket.readyState).toBe(1);
    const next = await given.open();
    next.deliver(expired('m9'));
    await changesAfter(given, MINUTE, () => given.sockets.length);
  });

  it('that is lost is tried again a minute later', async () => {
    const given = givenChat();
    answerPings(given, await given.open());
    await given.clock.advance(100 * MINUTE + 10 * SECOND);
    given.socket().cut();
    await changesAfter(given, MINUTE, () => given.sockets.length);
  });
});
