import { describe, expect, it } from 'vitest';
import { CLIENT_FRAMES } from '../protocol/client-frames.ts';
import type { MidturnOptions } from './chat.ts';
import {
  ContentError,
  type EventFrame,
  MessageCancelledError,
  MessageRejectedError,
  type MidturnError,
  TurnFailedError,
} from './index.ts';
import { createMidturn } from './midturn.ts';
import type { Content, FrameOf, ServerFrame } from './protocol.ts';
import { memoryStorage, type OutboxStorage } from './storage.ts';
import { Clock, clockPlatform } from './testing/clock.ts';
import { type FakeSocket, fakeSockets } from './testing/socket.ts';
import { Story } from './testing/story.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;

function given(options: Partial<MidturnOptions> = {}) {
  const clock = new Clock();
  const { WebSocket, sockets } = fakeSockets();
  const { platform, wake } = clockPlatform(clock, { idPrefix: options.name ?? 'm' });
  const errors: MidturnError[] = [];
  const chat = createMidturn({
    url: 'wss://example.test/prod',
    sessionId: 's',
    WebSocket,
    platform,
    onError: (error) => errors.push(error),
    ...options,
  });
  const story = new Story();
  const socket = (index = -1): FakeSocket => {
    const found = sockets.at(index);
    if (!found) throw new Error('The client has made no such socket.');
    return found;
  };
  /** Opens the newest socket and answers its `connect`. */
  const open = async (lane = 'lane-1', more: Partial<FrameOf<'session_start'>> = {}): Promise<FakeSocket> => {
    await clock.advance(0);
    const newest = socket();
    newest.accept();
    newest.deliver({ ...story.sessionStart(lane), ...more });
    const after = newest.sentOf('connect')[0]?.resume?.after_seq;
    if (after !== undefined) newest.deliver(...story.events.slice(after));
    newest.deliver({ type: 'connected', message: '' });
    await clock.advance(0);
    return newest;
  };
  /** The events of a turn that has applied one message, up to the given text. */
  const begin = (id: string, ...texts: string[]): EventFrame[] => {
    const before = story.events.length;
    story.begin([id]);
    story.takeIn([{ id, content: 'hello' }], 1);
    for (const text of texts) story.say(text);
    return story.events.slice(before);
  };
  return { chat, clock, sockets, socket, open, begin, story, errors, wake, platform, WebSocket };
}

const accepted = (id: string): FrameOf<'accepted'> => ({
  type: 'accepted',
  id,
  turn_id: 'turn-1',
  placement: 'turn',
  position: 0,
});
const limited = (retry_after_ms: number, id: string): ServerFrame => ({
  type: 'error',
  code: 'RATE_LIMITED',
  message: '',
  terminal: false,
  retryable: true,
  retry_after_ms,
  id,
});
const expired = (id: string): ServerFrame => ({
  type: 'error',
  code: 'TOKEN_EXPIRED',
  message: '',
  terminal: false,
  retryable: true,
  id,
});
const orders = (socket: FakeSocket) => socket.sentOf('message').map(({ id, order }) => [id, order]);

describe('handshake', () => {
  it('sends `connect` first, waits for session_start, then sends what was written meanwhile, numbered from 1', async () => {
    const { chat, clock, socket } = given();
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
    const { clock, socket, open } = given({
      url: 'wss://example.test/prod?x=1',
      token: async () => {
        tokens += 1;
        return `t${tokens}`;
      },
    });
    await open();
    expect(socket().url.search).toBe('?x=1&session_id=s');
    expect(socket().protocols).toEqual(['midturn.v1', 'bearer.t1']);
    socket().cut();
    await clock.advance(SECOND);
    expect(socket().protocols).toEqual(['midturn.v1', 'bearer.t2']);
  });

  it('a token that a subprotocol cannot carry goes into the query', async () => {
    const { clock, socket } = given({ token: 'a b/c' });
    await clock.advance(0);
    expect(socket().protocols).toEqual(['midturn.v1']);
    expect(socket().url.searchParams.get('token')).toBe('a b/c');
  });

  it('a token that cannot be had is reported, and asked for again', async () => {
    let tries = 0;
    const { clock, sockets, errors } = given({
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
    const { chat, clock, sockets } = given();
    await clock.advance(16 * SECOND);
    expect(sockets[0]?.readyState).toBe(3);
    const gaps: number[] = [];
    for (let attempt = 0; attempt < 4; attempt++) {
      const { connection } = chat.transcript.getSnapshot();
      if (connection.status === 'waiting') {
        gaps.push(connection.retryAt - clock.now);
        await clock.advance(connection.retryAt - clock.now);
      }
      sockets.at(-1)?.cut();
    }
    expect(gaps.length).toBeGreaterThan(2);
    expect(gaps.slice(1)).toEqual([...gaps.slice(1)].sort((a, b) => a - b));
    expect(gaps.at(-1)).toBeGreaterThan(gaps[1] ?? 0);
  });
});

describe('acknowledgement', () => {
  it('P10: an unanswered message is sent again under the same id and order, until it is answered', async () => {
    const { chat, clock, open } = given();
    const socket = await open();
    chat.send('hello');
    await clock.advance(6 * SECOND);
    socket.deliver({ type: 'pong' });
    expect(orders(socket)).toEqual([
      ['m1', 1],
      ['m1', 1],
    ]);
    socket.deliver(accepted('m1'));
    await clock.advance(10 * SECOND);
    expect(orders(socket)).toHaveLength(2);
  });

  it('P1: a message that was accepted, and of which nothing more is heard, is asked about', async () => {
    const { chat, clock, open, begin, story } = given();
    const socket = await open();
    const message = chat.send('hello');
    socket.deliver(accepted('m1'));
    const resumes = () => socket.sentOf('connect').slice(1).length;
    expect(resumes()).toBe(0);
    await clock.advance(16 * SECOND);
    expect(resumes()).toBe(1);
    const events = begin('m1', 'hi');
    socket.deliver(story.sessionStart('lane-1'), ...events, { type: 'connected', message: '' });
    expect(message.state.status).toBe('applied');
  });

  it('after a reconnect on its lane it is sent again at once, and the next one goes on counting', async () => {
    const { chat, clock, open, socket } = given();
    await open();
    chat.send('one');
    socket().cut();
    chat.send('two');
    await clock.advance(5 * SECOND);
    await open();
    expect(socket().sentOf('connect')[0]?.resume).toEqual({ lane: 'lane-1', after_seq: 0 });
    expect(orders(socket())).toEqual([
      ['m1', 1],
      ['m2', 2],
    ]);
  });

  it('on another lane, what may have arrived is not sent again, and what never left is', async () => {
    const { chat, clock, open, socket } = given();
    await open();
    const lost = chat.send('one');
    socket().cut();
    const kept = chat.send('two');
    await clock.advance(5 * SECOND);
    await open('lane-2');
    expect(orders(socket())).toEqual([['m2', 1]]);
    expect(await lost.settled).toMatchObject({ status: 'rejected', code: 'LANE_LOST' });
    expect(kept.state.status).toBe('sending');
  });

  it('a limited rate is waited out', async () => {
    const { chat, clock, open } = given();
    const socket = await open();
    chat.send('hello');
    socket.deliver(limited(9 * SECOND, 'm1'));
    await clock.advance(8 * SECOND);
    expect(orders(socket)).toHaveLength(1);
    await clock.advance(2 * SECOND);
    expect(orders(socket)).toHaveLength(2);
  });

  it('P6: what is written while the server is limiting waits behind what it refused', async () => {
    const { chat, clock, open } = given();
    const socket = await open();
    chat.send('one');
    chat.send('two');
    await clock.advance(6 * SECOND);
    socket.sent.length = 0;
    // Both were repeated once. Their own next repeat is due after the limit ends: `three` would overtake them.
    socket.deliver(limited(5 * SECOND, 'm1'));
    chat.send('three');
    await clock.advance(4 * SECOND);
    expect(orders(socket)).toEqual([]);
    await clock.advance(2 * SECOND);
    expect(orders(socket)).toEqual([
      ['m1', 1],
      ['m2', 2],
      ['m3', 3],
    ]);
  });

  it('a limit outlives the connection: a new one does not send earlier', async () => {
    const { chat, clock, open } = given();
    const socket = await open();
    chat.send('one');
    socket.deliver(limited(20 * SECOND, 'm1'));
    socket.cut();
    await clock.advance(5 * SECOND);
    const next = await open();
    expect(orders(next)).toEqual([]);
    await clock.advance(15 * SECOND);
    expect(orders(next)).toEqual([['m1', 1]]);
  });

  it('a withdrawal that met the limit is asked for again after it', async () => {
    const { chat, clock, open } = given();
    const socket = await open();
    chat.send('one');
    socket.deliver(accepted('m1'));
    chat.cancel('m1');
    socket.deliver(limited(9 * SECOND, 'm1'));
    await clock.advance(8 * SECOND);
    expect(socket.sentOf('cancel')).toHaveLength(1);
    await clock.advance(2 * SECOND);
    expect(socket.sentOf('cancel')).toEqual([
      { type: 'cancel', id: 'm1' },
      { type: 'cancel', id: 'm1' },
    ]);
    socket.deliver({ type: 'cancelled', ids: ['m1'], reason: 'withdrawn' });
    await clock.advance(MINUTE);
    expect(socket.sentOf('cancel')).toHaveLength(2);
  });

  it('an id of the application is used as it is, and only once', async () => {
    const { chat, open } = given();
    const socket = await open();
    expect(chat.send('one', { id: 'mine' }).id).toBe('mine');
    expect(orders(socket)).toEqual([['mine', 1]]);
    expect(() => chat.send('two', { id: 'mine' })).toThrow('sent already');
    expect(() => chat.send('two', { id: 'a b' })).toThrow(TypeError);
    expect(chat.transcript.getSnapshot().items).toHaveLength(1);
  });

  it.each([
    ['blank', ' \n ', 'EMPTY_CONTENT'],
    ['oversized', 'ä'.repeat(13_000), 'MESSAGE_TOO_LARGE'],
    ['wordless', [{ type: 'text', text: ' ' } as const], 'EMPTY_CONTENT'],
    [
      'too much of an image as',
      [{ type: 'image', media_type: 'image/png', data: 'A'.repeat(25_000) } as const],
      'MESSAGE_TOO_LARGE',
    ],
  ])('%s content is refused at once, and nothing is kept of it', async (_, content, code) => {
    const { chat, open } = given();
    const socket = await open();
    expect(() => chat.send(content)).toThrow(ContentError);
    expect(() => chat.send(content)).toThrow(expect.objectContaining({ code }));
    expect(chat.transcript.getSnapshot().items).toEqual([]);
    expect(socket.sentOf('message')).toEqual([]);
  });
});

it('parts travel, wait in the outbox and are shown as they were written', async () => {
  const storage = memoryStorage();
  const content: Content = [
    { type: 'text', text: 'look' },
    { type: 'image', url: 'https://a.test/b.png' },
  ];
  const first = given({ storage });
  first.chat.send(content);
  expect(first.chat.transcript.getSnapshot().pending).toMatchObject([{ content }]);
  await first.open();
  expect(first.socket().sentOf('message')).toMatchObject([{ content }]);
  first.chat.close();
  const second = given({ storage });
  const socket = await second.open();
  expect(socket.sentOf('message')).toMatchObject([{ id: 'm1', content }]);
  second.story.begin(['m1']);
  second.story.takeIn([{ id: 'm1', content }], 1);
  socket.deliver(...second.story.events);
  expect(second.chat.transcript.getSnapshot().items).toMatchObject([
    { kind: 'user', content, state: { status: 'applied' } },
  ]);
});

describe('outbox', () => {
  it.each<[string, () => OutboxStorage]>([
    ['synchronous', memoryStorage],
    ['asynchronous', asynchronousStorage],
  ])('in %s storage outlives the client, with its lane and order', async (_, storageOf) => {
    const storage = storageOf();
    const first = given({ storage });
    await first.open();
    first.chat.send('one');
    await first.clock.advance(0);
    first.chat.close();
    const second = given({ storage, name: 'other' });
    second.chat.send('two');
    await second.clock.advance(0);
    expect(second.chat.transcript.getSnapshot().pending.map(({ content }) => content)).toEqual([
      'one',
      'two',
    ]);
    const socket = await second.open();
    expect(socket.sentOf('connect')[0]?.resume).toEqual({ lane: 'lane-1' });
    expect(socket.sentOf('message').map(({ content, order }) => [content, order])).toEqual([
      ['one', 1],
      ['two', 2],
    ]);
  });

  it('a reload between sending and the first frame keeps what was sent, in its order, once', async () => {
    const storage = memoryStorage();
    const first = given({ storage });
    const before = await first.open();
    first.chat.send('one');
    first.chat.send('two');
    expect(orders(before)).toEqual([
      ['m1', 1],
      ['m2', 2],
    ]);
    // The page is gone before the server has said anything.
    before.cut();
    first.chat.close();
    const second = given({ storage, name: 'other' });
    second.chat.send('three');
    const after = await second.open();
    expect(after.sentOf('connect')[0]?.resume).toEqual({ lane: 'lane-1' });
    expect(orders(after)).toEqual([
      ['m1', 1],
      ['m2', 2],
      ['other1', 3],
    ]);
  });

  it('a storage that fails is reported, and the chat goes on without it', async () => {
    const refuse = () => {
      throw new Error('quota');
    };
    const { chat, open, errors } = given({
      storage: { getItem: refuse, setItem: refuse, removeItem: refuse },
    });
    const socket = await open();
    chat.send('hello');
    expect(socket.sentOf('message')).toHaveLength(1);
    expect(errors[0]).toMatchObject({ code: 'STORAGE_FAILED' });
  });
});

describe('stream', () => {
  it('P9: a hole is asked for at once, and again only if that brought nothing', async () => {
    const { chat, clock, open, begin } = given();
    const socket = await open();
    const events = begin('u1', 'one ', 'two ', 'three');
    socket.deliver(...events.filter(({ seq }) => seq !== 3));
    const asked = () => socket.sentOf('connect').slice(1);
    expect(asked().map(({ resume }) => resume)).toEqual([{ lane: 'lane-1', after_seq: 2 }]);
    await clock.advance(5 * SECOND);
    expect(asked().length).toBeGreaterThan(1);
    socket.deliver(...events.slice(2));
    const before = asked().length;
    await clock.advance(10 * SECOND);
    expect(asked()).toHaveLength(before);
    expect(chat.transcript.getSnapshot().items.at(-1)).toMatchObject({ content: 'one two three' });
  });

  it('P9: an event of a newer server is passed over, and what follows is shown', async () => {
    const { chat, clock, open, begin } = given();
    const socket = await open();
    const events = begin('u1', 'one ', 'two ', 'three');
    const news = { ...events[3], type: 'of the future', content: undefined };
    for (const event of events) socket.deliverText(JSON.stringify(event.seq === 4 ? news : event));
    await clock.advance(5 * SECOND);
    expect(socket.sentOf('connect')).toHaveLength(1);
    expect(chat.transcript.getSnapshot().items.at(-1)).toMatchObject({ content: 'one three' });
  });

  it('the last event lost: silence is asked about', async () => {
    const { chat, clock, open, begin, story } = given();
    const socket = await open();
    socket.deliver(...begin('u1', 'all'));
    story.end('done');
    await clock.advance(16 * SECOND);
    expect(socket.sentOf('connect').at(-1)?.resume).toEqual({ lane: 'lane-1', after_seq: 3 });
    socket.deliver(story.sessionStart('lane-1'), ...story.events.slice(3), {
      type: 'connected',
      message: '',
    });
    expect(chat.transcript.getSnapshot().activeTurn).toBeUndefined();
  });

  it('a reload in mid-answer: history without the running turn, and its events from the start', async () => {
    const first = given();
    first.begin('u1', 'one ');
    first.story.end('done');
    first.begin('u2', 'two ');
    const { chat, clock, story, socket, open } = first;
    const opened = await open();
    expect(opened.sentOf('history')).toEqual([{ type: 'history', limit: 50 }]);
    expect(opened.sentOf('connect')[1]?.resume).toEqual({ lane: 'lane-1', after_seq: 4 });
    opened.deliver(story.page({}), ...story.events.slice(4));
    await clock.advance(0);
    const { items, activeTurn } = chat.transcript.getSnapshot();
    expect(items.map((item) => ('content' in item ? item.content : item.kind))).toEqual([
      'hello',
      'one ',
      'hello',
      'two ',
    ]);
    expect(activeTurn).toMatchObject({ turnId: 'turn-2', startedAt: 1 });
    expect(socket().sentOf('connect')).toHaveLength(2);
  });

  it('is ready when the page and all of the running turn are here, and not before', async () => {
    const { chat, clock, open, begin, story } = given();
    begin('u1', 'one ', 'two');
    let isReady = false;
    chat.ready().then(() => {
      isReady = true;
    });
    const socket = await open();
    socket.deliver(story.page({}), ...story.events.slice(0, -1));
    await clock.advance(0);
    expect(isReady).toBe(false);
    socket.deliver(...story.events.slice(-1));
    await clock.advance(0);
    expect(isReady).toBe(true);
    const closed = given();
    const never = closed.chat.ready();
    closed.chat.close();
    await expect(never).rejects.toMatchObject({ code: 'CLOSED' });
  });

  it('older pages on demand', async () => {
    const { chat, open, begin, story } = given({ historyPage: 2 });
    for (const id of ['u1', 'u2']) {
      begin(id, id);
      story.end('done');
    }
    const socket = await open();
    socket.deliver(story.page({ limit: 2 }));
    expect(chat.transcript.getSnapshot().history).toEqual({ status: 'loaded', more: true });
    const page = chat.history();
    expect(socket.sentOf('history').at(-1)).toEqual({ type: 'history', limit: 2, before: 3 });
    socket.deliver(story.page({ limit: 2, before: 3 }));
    expect(await page).toBe(false);
    expect(chat.transcript.getSnapshot().items).toHaveLength(4);
    expect(await chat.history()).toBe(false);
  });

  it('a server that lost the session starts it anew here too', async () => {
    const { chat, clock, open, begin, story, socket } = given();
    (await open()).deliver(...begin('u1', 'one'));
    story.end('done');
    story.events.length = 0;
    story.entries.length = 0;
    socket().cut();
    await clock.advance(5 * SECOND);
    (await open('lane-2')).deliver(...begin('u2', 'two'));
    const { items } = chat.transcript.getSnapshot();
    expect(items.map((item) => item.kind)).toEqual(['user', 'text']);
  });

  it('an unreadable frame is reported and does no harm', async () => {
    const { chat, open, begin, errors } = given();
    const socket = await open();
    socket.deliverText('{');
    socket.deliverText(new ArrayBuffer(2));
    socket.deliverText(new Blob(['{}']));
    socket.deliverText('{"type":"of the future"}');
    socket.deliver(...begin('u1', 'fine'));
    expect(errors.map(({ code }) => code)).toEqual(['BAD_FRAME', 'BAD_FRAME', 'BAD_FRAME']);
    expect(chat.transcript.getSnapshot().items).toHaveLength(2);
  });
});

describe('liveness', () => {
  it('keeps an idle connection moving well within 10 minutes, and finds a dead one', async () => {
    const { clock, open, socket, sockets } = given();
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
    const { clock, open, socket, sockets, wake, chat } = given();
    await open();
    socket().cut();
    expect(chat.transcript.getSnapshot().connection.status).toBe('waiting');
    wake();
    await clock.advance(0);
    expect(sockets).toHaveLength(2);
  });

  it('doubts a connection that slept, and replaces it within seconds', async () => {
    const { clock, open, sockets, wake } = given();
    const first = await open();
    wake();
    expect(first.sentOf('ping')).toHaveLength(1);
    await clock.advance(6 * SECOND);
    expect(sockets.length).toBeGreaterThan(1);
  });

  it('is renewed before 2 hours with no break: the old one serves until the new one is up', async () => {
    const { chat, clock, open, begin, story, sockets, socket } = given();
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
    const { chat, clock, open, begin, story, sockets, socket } = given({ token: () => `t${++tokens}` });
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
    const { chat, clock, open, begin, story, sockets, socket, errors } = given({
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
    const { clock, open, sockets } = given({ token: () => 'brief' });
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
    const { clock, open, sockets, errors } = given({ token: 'the one' });
    const only = await open('lane-1', { token_expires_in_ms: 2 * MINUTE });
    await clock.advance(4 * MINUTE);
    only.deliver(expired('m1'));
    await clock.advance(MINUTE - SECOND);
    expect(sockets).toHaveLength(1);
    expect(errors).toMatchObject([{ code: 'TOKEN_EXPIRED' }]);
  });

  it('a running turn puts the renewal off, but not past the limit', async () => {
    const { clock, open, begin, sockets } = given();
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
    const { chat, clock, open, sockets, wake } = given();
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
    expect(chat.transcript.getSnapshot().connection.status).toBe('closed');
  });
});

describe('control', () => {
  it('cancel: unsent at once, unacknowledged once it is, accepted by asking', async () => {
    const { chat, open } = given();
    const unsent = chat.send('never');
    chat.cancel(unsent.id);
    expect(unsent.state.status).toBe('cancelled');
    const socket = await open();
    const { id } = chat.send('soon');
    chat.cancel(id);
    expect(socket.sentOf('cancel')).toEqual([]);
    socket.deliver(accepted(id));
    expect(socket.sentOf('cancel')).toEqual([{ type: 'cancel', id }]);
    socket.deliver({ type: 'cancelled', ids: [id], reason: 'withdrawn' });
    expect(chat.transcript.getSnapshot().pending).toEqual([]);
    expect(orders(socket)).toEqual([['m2', 1]]);
  });

  it('a withdrawal or an abort that nobody answers is asked for again, until somebody does', async () => {
    const { chat, clock, open, begin, story } = given();
    const socket = await open();
    socket.deliver(...begin('u1', 'so far'));
    const { id } = chat.send('soon');
    socket.deliver(accepted(id));
    chat.cancel(id);
    chat.abort();
    const asked = () => [socket.sentOf('cancel').length, socket.sentOf('abort').length];
    const pass = async (milliseconds: number) => {
      await clock.advance(milliseconds);
      socket.deliver({ type: 'pong' });
    };
    await pass(6 * SECOND);
    expect(asked()).toEqual([2, 2]);
    await pass(10 * SECOND);
    expect(asked()).toEqual([3, 3]);
    story.end('aborted');
    socket.deliver(...story.events.slice(-1), { type: 'cancelled', ids: [id], reason: 'withdrawn' });
    await clock.advance(MINUTE);
    expect(asked()).toEqual([3, 3]);
    expect(chat.transcript.getSnapshot().pending).toEqual([]);
  });

  it('an approval is answered again after a reconnect, until its turn says what became of it', async () => {
    const { chat, clock, open, begin, story } = given();
    const first = await open();
    first.deliver(...begin('u1', 'so far'));
    story.ask('r1');
    first.deliver(...story.events.slice(-1));
    chat.approve('r1', 'always');
    const answer = { type: 'approval_response', request_id: 'r1', decision: 'always' };
    expect(first.sentOf('approval_response')).toEqual([answer]);
    const item = () => chat.transcript.getSnapshot().items.at(-1);
    expect(item()).toMatchObject({ kind: 'approval', decision: 'always', resolved: undefined });
    first.cut();
    await clock.advance(5 * SECOND);
    const second = await open();
    expect(second.sentOf('approval_response')).toEqual([answer]);
    story.resolve('r1', 'deny', 'bob');
    second.deliver(...story.events.slice(-1));
    expect(item()).toMatchObject({ decision: 'deny', resolved: { reason: 'answer', by: 'bob' } });
    await clock.advance(MINUTE);
    expect(second.sentOf('approval_response')).toHaveLength(1);
  });

  it('a revocation is asked for again after a reconnect, until a list shows it; one of before says nothing', async () => {
    const { chat, clock, open, begin } = given();
    const trusted = () => chat.transcript.getSnapshot().trusted;
    const first = await open();
    first.deliver(...begin('u1', 'so far'));
    first.deliver({ type: 'trusted', trusted: ['a', 'b'], revocations: 3 });
    expect(trusted()).toEqual(['a', 'b']);
    chat.revoke('a');
    const asked = { type: 'revoke', trust: 'a' };
    expect(first.sentOf('revoke')).toEqual([asked]);
    first.cut();
    await clock.advance(5 * SECOND);
    const second = await open();
    expect(second.sentOf('revoke')).toEqual([asked]);
    second.deliver({ type: 'trusted', trusted: ['b'], revocations: 4 });
    // From another function, which had read the list before.
    second.deliver({ type: 'trusted', trusted: ['a', 'b'], revocations: 3 });
    expect(trusted()).toEqual(['b']);
    await clock.advance(10 * SECOND);
    expect(second.sentOf('revoke')).toHaveLength(1);
    chat.revoke();
    expect(second.sentOf('revoke').at(-1)).toEqual({ type: 'revoke' });
    second.deliver({ type: 'trusted', trusted: [], revocations: 5 });
    await clock.advance(10 * SECOND);
    expect(second.sentOf('revoke')).toHaveLength(2);
  });

  it('a question that is no longer asked is open again until its event comes', async () => {
    const { chat, open, begin, story } = given();
    const socket = await open();
    socket.deliver(...begin('u1', 'so far'));
    story.ask('r1');
    socket.deliver(...story.events.slice(-1));
    chat.approve('r1', 'approve');
    socket.deliver({
      type: 'error',
      code: 'INVALID_APPROVAL_RESPONSE',
      message: '',
      terminal: false,
      retryable: false,
      id: 'r1',
    });
    expect(chat.transcript.getSnapshot().items.at(-1)).toMatchObject({ decision: undefined });
  });

  it('P1: abort with discard names what waited, withdraws what is on its way, and no message of later', async () => {
    const { chat, clock, open, begin } = given();
    const socket = await open();
    socket.deliver(...begin('u1', 'so far'));
    const known = chat.send('waits').id;
    socket.deliver(accepted(known));
    const underWay = chat.send('under way').id;
    chat.abort({ pending: 'discard' });
    const later = chat.send('later').id;
    expect(socket.sentOf('abort')).toMatchObject([{ pending: 'discard', pending_ids: [known, underWay] }]);
    expect(socket.sentOf('cancel')).toEqual([]);
    socket.deliver(accepted(underWay), accepted(later));
    await clock.advance(SECOND);
    expect(socket.sentOf('cancel')).toEqual([{ type: 'cancel', id: underWay }]);
  });

  it('abort names the turn, and is asked again after a reconnect', async () => {
    const { chat, clock, open, begin, story } = given();
    const first = await open();
    first.deliver(...begin('u1', 'so far'));
    chat.abort({ pending: 'discard' });
    const abort = { type: 'abort', turn_id: 'turn-1', pending: 'discard', pending_ids: [] };
    expect(first.sentOf('abort')).toEqual([abort]);
    expect(chat.transcript.getSnapshot().activeTurn?.stopping).toBe(true);
    first.cut();
    await clock.advance(5 * SECOND);
    const second = await open();
    expect(second.sentOf('abort')).toEqual([abort]);
    story.end('aborted');
    second.deliver(...story.events.slice(-1));
    expect(chat.transcript.getSnapshot()).toMatchObject({ activeTurn: undefined });
    expect(chat.transcript.getSnapshot().items.at(-1)).toMatchObject({ outcome: { result: 'aborted' } });
  });
});

describe('ids', () => {
  const REFUSED = ['', 'with space', 'x'.repeat(65), 'é', 'a\n', '__proto__', '😀'];
  const rule = /must have 1 to 64 visible ASCII characters, and must not be "__proto__": .* does not fit/;

  it.each(REFUSED)('that the server would refuse are refused at once, with the rule: %j', async (id) => {
    expect(() => createMidturn({ url: 'wss://a.test/s', sessionId: id })).toThrow(rule);
    const { chat } = given();
    expect(() => chat.send('hello', { id })).toThrow(rule);
    expect(() => chat.send('hello', { id })).toThrow(TypeError);
    await expect(chat.sessions.rename(id, 'name')).rejects.toThrow(rule);
    await expect(chat.sessions.delete(id)).rejects.toThrow(rule);
    await expect(chat.sessions.export(id)[Symbol.asyncIterator]().next()).rejects.toThrow(rule);
    expect(CLIENT_FRAMES.delete.safeParse({ type: 'delete', session_id: id }).success).toBe(false);
  });

  it.each(['constructor', 'toString', 'hasOwnProperty', '!', '~'.repeat(64)])(
    'that it takes are taken: %s',
    async (id) => {
      const { chat, open } = given();
      const socket = await open();
      const message = chat.send('hello', { id });
      socket.deliver(accepted(id));
      expect(message.state).toMatchObject({ status: 'accepted' });
      chat.cancel(id);
      expect(socket.sentOf('cancel')).toEqual([{ type: 'cancel', id }]);
      socket.deliver({ type: 'cancelled', ids: [id], reason: 'withdrawn' });
      expect(await message.settled).toMatchObject({ status: 'cancelled' });
      expect(CLIENT_FRAMES.delete.safeParse({ type: 'delete', session_id: id }).success).toBe(true);
    },
  );
});

describe("a message's events", () => {
  async function typesOf(events: AsyncIterable<EventFrame>): Promise<string[]> {
    const types: string[] = [];
    for await (const event of events) types.push(event.type);
    return types;
  }

  it('begin where it was taken in and end with the turn, for the first as for a steering message', async () => {
    const { chat, open, story } = given();
    const socket = await open();
    const first = chat.send('one');
    const steering = chat.send('two');
    const ofFirst = typesOf(first.events());
    const ofSteering = typesOf(steering.events());
    story.begin([first.id]);
    story.takeIn([{ id: first.id, content: 'one' }], 1);
    story.say('a');
    story.takeIn([{ id: steering.id, content: 'two' }], 2);
    story.say('b');
    story.end('done');
    socket.deliver(...story.events);
    expect(await ofFirst).toEqual(['applied', 'chunk', 'applied', 'chunk', 'done']);
    expect(await ofSteering).toEqual(['applied', 'chunk', 'done']);
    expect(await first.settled).toEqual({ status: 'applied', turnId: 'turn-1', step: 1 });
    expect(await typesOf(steering.events())).toEqual(['applied', 'chunk', 'done']);
  });

  it('of the running turn, whoever began it: from its start to its end', async () => {
    const { chat, open, begin, story } = given();
    const socket = await open();
    expect(chat.turn()).toBeUndefined();
    socket.deliver(...begin('u1', 'so far, '));
    const running = chat.turn();
    if (!running) throw new Error('There is no turn.');
    const read = typesOf(running);
    story.say('and on');
    story.end('done');
    socket.deliver(...story.events.slice(3));
    expect(await read).toEqual(['turn_start', 'applied', 'chunk', 'chunk', 'done']);
    expect(chat.turn()).toBeUndefined();
  });

  it('fail as the turn fails, with what it had said', async () => {
    const { chat, open, begin, story } = given();
    const socket = await open();
    const { id, events } = chat.send('one');
    const read = typesOf(events());
    socket.deliver(...begin(id, 'partial'));
    story.end('error');
    socket.deliver(...story.events.slice(-1));
    await expect(read).rejects.toBeInstanceOf(TurnFailedError);
    await expect(read).rejects.toMatchObject({ code: 'PROVIDER_ERROR', fullResponse: 'partial' });
  });

  it('fail as the message fails', async () => {
    const { chat, open } = given();
    const socket = await open();
    const refused = typesOf(chat.send('one').events());
    const withdrawn = typesOf(chat.send('two').events());
    const refusal: ServerFrame = {
      type: 'error',
      code: 'SESSION_QUEUE_FULL',
      message: 'full',
      terminal: false,
      retryable: true,
      id: 'm1',
    };
    socket.deliver(refusal, { type: 'cancelled', ids: ['m2'], reason: 'withdrawn' });
    await expect(refused).rejects.toBeInstanceOf(MessageRejectedError);
    await expect(withdrawn).rejects.toBeInstanceOf(MessageCancelledError);
  });
});

/** Storage like that of React Native: every call is asynchronous. */
function asynchronousStorage(): OutboxStorage {
  const storage = memoryStorage();
  return {
    getItem: async (key) => storage.getItem(key),
    setItem: async (key, value) => storage.setItem(key, value),
    removeItem: async (key) => storage.removeItem(key),
  };
}

describe('sessions', () => {
  const summary = (session_id: string) => ({ session_id, created_at: 1, active_at: 2, message_count: 4 });

  it('are listed page by page, and a page is asked for again until it comes', async () => {
    const { chat, open, clock } = given();
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

  it('are renamed, the own one in its state too, and one that there is not is an error', async () => {
    const { chat, open, errors } = given();
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
    const { chat, open, clock } = given();
    const first = await open();
    const pieces: string[] = [];
    const all = (async () => {
      for await (const piece of chat.sessions.export('x')) pieces.push(piece);
    })();
    await clock.advance(0);
    first.deliver({ type: 'export', session_id: 'x', data: '{"a":', next: '1.4' });
    await clock.advance(0);
    expect(first.sentOf('export').at(-1)).toEqual({ type: 'export', session_id: 'x', after: '1.4' });
    first.cut();
    await clock.advance(SECOND);
    const second = await open();
    expect(second.sentOf('export')).toEqual([{ type: 'export', session_id: 'x', after: '1.4' }]);
    second.deliver({ type: 'export', session_id: 'x', data: '1}\n', after: '1.4' });
    await all;
    expect(pieces.join('')).toBe('{"a":1}\n');
  });

  it('are deleted; with its own session the chat closes, also when the answer is lost', async () => {
    const { chat, open, clock, socket } = given();
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
