import { describe, expect, it } from 'vitest';
import type { ServerFrame } from './protocol.ts';
import { expired, givenChat, MINUTE, orders, SECOND } from './testing/given-chat.ts';
import { last } from './testing/last.ts';
import { Story } from './testing/story.ts';

describe('handshake', () => {
  it('sends `connect` first, waits for session_start, then sends what was written meanwhile, numbered from 1', async () => {
    const { chat, clock, socket } = givenChat();
    chat.send('one');
    chat.send('two', { delivery: 'queue' });
    await clock.advance(0);
    socket().accept();
    expect(socket().sent).toEqual([{ type: 'connect', session_id: 's' }]);
    socket().deliver(new Story().sessionStart('lane-1'));
    expect(socket().sentOf('message')).toEqual([
      { type: 'message', id: 'm1', content: 'one', order: 1 },
      { type: 'message', id: 'm2', content: 'two', order: 2, delivery: 'queue' },
    ]);
    expect(chat.transcript.getSnapshot().connection).toEqual({ status: 'online' });
  });

  it('names the session and asks for the subprotocol; a token travels with it, fresh for every connection', async () => {
    let tokens = 0;
    const { clock, socket, open } = givenChat({
      url: 'wss://example.test/prod?x=1',
      token: async () => {
        tokens += 1;
        return `t${tokens}`;
      },
    });
    await open();
    expect(socket().url).toBe('wss://example.test/prod?x=1&session_id=s');
    expect(socket().protocols).toEqual(['midturn.v1', 'bearer.t1']);
    socket().cut();
    await clock.advance(SECOND);
    expect(socket().protocols).toEqual(['midturn.v1', 'bearer.t2']);
  });

  it.each([
    ['bGV0LW1lLWlu/w==', 'YkdWMExXMWxMV2x1L3c9PQ'],
    ['a b,c', 'YSBiLGM'],
    ['schlüssel', 'c2NobMO8c3NlbA'],
  ])(
    'a token that no subprotocol can be (%s) is encoded as one, and never in the URL',
    async (token, encoded) => {
      const { clock, socket } = givenChat({ token });
      await clock.advance(0);
      expect(socket().protocols).toEqual(['midturn.v1', `bearer64.${encoded}`]);
      expect(socket().url).toBe('wss://example.test/prod?session_id=s');
    },
  );

  it('a token that cannot be had is reported, and asked for again', async () => {
    let tries = 0;
    const { clock, sockets, errors } = givenChat({
      token: () => {
        tries += 1;
        if (tries === 1) throw new Error('no network');
        return 'late';
      },
    });
    await clock.advance(MINUTE);
    expect(errors[0]).toMatchObject({ code: 'TOKEN_FAILED' });
    expect(sockets[0]?.protocols).toContain('bearer.late');
  });

  it('gives up a handshake that is not answered, and waits longer each time', async () => {
    const { chat, clock, sockets } = givenChat();
    await clock.advance(16 * SECOND);
    expect(sockets[0]?.readyState).toBe(3);
    const gaps: number[] = [];
    for (let attempt = 0; attempt < 4; attempt++) {
      const { connection } = chat.transcript.getSnapshot();
      if (connection.status === 'waiting') {
        gaps.push(connection.retryAt - clock.now);
        await clock.advance(connection.retryAt - clock.now);
      }
      last(sockets)?.cut();
    }
    expect(gaps.length).toBeGreaterThan(2);
    expect(gaps.slice(1)).toEqual([...gaps.slice(1)].sort((a, b) => a - b));
    expect(last(gaps)).toBeGreaterThan(gaps[1] ?? 0);
  });
});

describe('liveness', () => {
  it('keeps an idle connection moving well within 10 minutes, and finds a dead one', async () => {
    const { clock, open, socket, sockets } = givenChat();
    const first = await open();
    await clock.advance(5 * MINUTE);
    expect(first.sentOf('ping')).toHaveLength(1);
    first.deliver({ type: 'pong' });
    await clock.advance(5 * MINUTE);
    expect(first.sentOf('ping')).toHaveLength(2);
    await clock.advance(20 * SECOND);
    expect(first.readyState).toBe(3);
    expect(sockets).toHaveLength(2);
    expect(socket()).not.toBe(first);
  });

  it('dials at once when the network returns', async () => {
    const { clock, open, socket, sockets, wake, chat } = givenChat();
    await open();
    socket().cut();
    expect(chat.transcript.getSnapshot().connection.status).toBe('waiting');
    wake();
    await clock.advance(0);
    expect(sockets).toHaveLength(2);
  });

  it('doubts a connection that slept, and replaces it within seconds', async () => {
    const { clock, open, sockets, wake } = givenChat();
    const first = await open();
    wake();
    expect(first.sentOf('ping')).toHaveLength(1);
    await clock.advance(6 * SECOND);
    expect(sockets.length).toBeGreaterThan(1);
  });

  it('is renewed before 2 hours with no break: the old one serves until the new one is up', async () => {
    const { chat, clock, open, begin, story, sockets, socket } = givenChat();
    const old = await open();
    old.onsent = (frame) => {
      if (frame.type === 'ping') clock.after(1, () => old.deliver({ type: 'pong' }));
    };
    await clock.advance(99 * MINUTE);
    expect(sockets).toHaveLength(1);
    await clock.advance(MINUTE + SECOND);
    expect(sockets).toHaveLength(2);
    old.deliver(...begin('u1', 'said on the old one, '));
    chat.send('steer');
    expect(old.sentOf('message')).toHaveLength(1);
    expect(chat.transcript.getSnapshot().connection.status).toBe('online');
    await open();
    expect(socket().sentOf('connect')[0]?.resume).toEqual({ lane: 'lane-1', after_seq: 3 });
    expect(old.readyState).toBe(3);
    story.say('and on the new');
    socket().deliver(...story.events.slice(-1));
    expect(chat.transcript.getSnapshot().items[1]).toMatchObject({
      content: 'said on the old one, and on the new',
    });
    expect(orders(socket())).toEqual([['m1', 1]]);
  });

  it('is renewed with a fresh token shortly before the last one expires, in the middle of an answer, with no break', async () => {
    let tokens = 0;
    const { chat, clock, open, begin, story, sockets, socket } = givenChat({ token: () => `t${++tokens}` });
    const old = await open('lane-1', { token_expires_in_ms: 15 * MINUTE });
    old.onsent = () => clock.after(1, () => old.deliver({ type: 'pong' }));
    await clock.advance(14 * MINUTE);
    expect(sockets).toHaveLength(1);
    old.deliver(...begin('u1', 'said on the old one, '));
    await clock.advance(31 * SECOND);
    expect(sockets).toHaveLength(2);
    expect(socket().protocols).toContain('bearer.t2');
    expect(chat.transcript.getSnapshot().connection.status).toBe('online');
    await open('lane-1', { token_expires_in_ms: 15 * MINUTE });
    expect(socket().sentOf('connect')[0]?.resume).toEqual({ lane: 'lane-1', after_seq: 3 });
    expect(old.readyState).toBe(3);
    story.say('and on the new');
    socket().deliver(...story.events.slice(-1));
    expect(chat.transcript.getSnapshot().items[1]).toMatchObject({
      content: 'said on the old one, and on the new',
    });
  });

  it('that is refused for its expired token is replaced at once, and the message goes over the new one', async () => {
    let tokens = 0;
    const { chat, clock, open, begin, story, sockets, socket, errors } = givenChat({
      token: () => `t${++tokens}`,
    });
    const old = await open();
    old.onsent = () => clock.after(1, () => old.deliver({ type: 'pong' }));
    old.deliver(...begin('u1', 'one'));
    await clock.advance(2 * MINUTE);
    const message = chat.send('steer');
    old.deliver(expired(message.id));
    await clock.advance(1);
    expect(sockets).toHaveLength(2);
    expect(message.state.status).toBe('sending');
    expect(errors).toMatchObject([{ code: 'TOKEN_EXPIRED' }]);
    // The turn goes on meanwhile.
    story.say(' two');
    old.deliver(...story.events.slice(-1));
    await open();
    expect(socket().protocols).toContain('bearer.t2');
    expect(socket().sentOf('connect')[0]?.resume).toEqual({ lane: 'lane-1', after_seq: 4 });
    // What was said while the new one was made comes over it again, and is shown once.
    socket().deliver(...story.events.slice(-1));
    expect(orders(socket())).toEqual([[message.id, 1]]);
    expect(chat.transcript.getSnapshot().items).toContainEqual(
      expect.objectContaining({ content: 'one two' }),
    );
  });

  it('is not renewed more than once a minute, however short its tokens last', async () => {
    const { clock, open, sockets } = givenChat({ token: () => 'brief' });
    await open('lane-1', { token_expires_in_ms: SECOND });
    for (let n = 2; n <= 5; n++) {
      await open('lane-1', { token_expires_in_ms: SECOND });
      await clock.advance(59 * SECOND);
      expect(sockets).toHaveLength(n);
      await clock.advance(SECOND);
      expect(sockets).toHaveLength(n + 1);
    }
  });

  it('is not renewed for a token that is a text, since there is no other', async () => {
    const { clock, open, sockets, errors } = givenChat({ token: 'the one' });
    const only = await open('lane-1', { token_expires_in_ms: 2 * MINUTE });
    await clock.advance(4 * MINUTE);
    only.deliver(expired('m1'));
    await clock.advance(MINUTE - SECOND);
    expect(sockets).toHaveLength(1);
    expect(errors).toMatchObject([{ code: 'TOKEN_EXPIRED' }]);
  });

  it('a running turn puts the renewal off, but not past the limit', async () => {
    const { clock, open, begin, sockets } = givenChat();
    const old = await open();
    old.deliver(...begin('u1', 'long'));
    old.onsent = (frame) => {
      if (frame.type === 'ping' || frame.type === 'connect')
        clock.after(1, () => old.deliver({ type: 'pong' }));
    };
    await clock.advance(110 * MINUTE);
    expect(sockets).toHaveLength(1);
    await clock.advance(3 * MINUTE);
    expect(sockets).toHaveLength(2);
  });

  it('disconnect stays away until connect; close leaves nothing behind', async () => {
    const { chat, clock, open, sockets, wake, listeners } = givenChat();
    await open();
    chat.disconnect();
    const waiting = chat.send('later');
    wake();
    await clock.advance(MINUTE);
    expect(sockets).toHaveLength(1);
    chat.connect();
    const socket = await open();
    expect(orders(socket)).toEqual([['m1', 1]]);
    chat.close();
    await expect(waiting.settled).rejects.toMatchObject({ code: 'CLOSED' });
    expect(clock.pending).toBe(0);
    expect(listeners()).toBe(0);
    expect(chat.transcript.getSnapshot().connection.status).toBe('closed');
  });
});

describe('a connection that is closed because its session has too many', () => {
  const surplus: ServerFrame = {
    type: 'error',
    code: 'TOO_MANY_CONNECTIONS',
    message: '',
    terminal: false,
    retryable: true,
    limit: 20,
  };

  it('is not dialled again for a quarter of an hour, so that it closes no other one', async () => {
    const { clock, sockets, open } = givenChat();
    const socket = await open();
    socket.deliver(surplus);
    socket.cut();
    await clock.advance(14 * MINUTE);
    expect(sockets).toHaveLength(1);
    await clock.advance(MINUTE + SECOND);
    expect(sockets).toHaveLength(2);
  });

  it('P9: is dialled at once when the user comes back, and resumes; a later loss is an ordinary one', async () => {
    const { clock, sockets, open, begin, wake } = givenChat();
    const first = await open();
    first.deliver(...begin('m1', 'a'), surplus);
    first.cut();
    await clock.advance(MINUTE);
    wake();
    const second = await open();
    expect(second.sentOf('connect')[0]?.resume).toEqual({ lane: 'lane-1', after_seq: 3 });
    second.cut();
    await clock.advance(SECOND);
    expect(sockets).toHaveLength(3);
  });
});
