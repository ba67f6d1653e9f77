import { setImmediate as nextTick } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { ContentError } from './index.ts';
import { Outbox } from './outbox.ts';
import type { Content } from './protocol.ts';
import { memoryStorage, type OutboxStorage } from './storage.ts';
import { accepted, givenChat, limited, MINUTE, orders, SECOND } from './testing/given-chat.ts';

describe('acknowledgement', () => {
  it('P10: an unanswered message is sent again under the same id and order, until it is answered', async () => {
    const { chat, clock, open } = givenChat();
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
    const { chat, clock, open, begin, story } = givenChat();
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
    const { chat, clock, open, socket } = givenChat();
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
    const { chat, clock, open, socket } = givenChat();
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
    const { chat, clock, open } = givenChat();
    const socket = await open();
    chat.send('hello');
    socket.deliver(limited(9 * SECOND, 'm1'));
    await clock.advance(8 * SECOND);
    expect(orders(socket)).toHaveLength(1);
    await clock.advance(2 * SECOND);
    expect(orders(socket)).toHaveLength(2);
  });

  it('P6: what is written while the server is limiting waits behind what it refused', async () => {
    const { chat, clock, open } = givenChat();
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
    const { chat, clock, open } = givenChat();
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

  it('of two limits the longer one is waited out, whichever came first', async () => {
    for (const limits of [
      [20, 5],
      [5, 20],
    ]) {
      const { chat, clock, open } = givenChat();
      const socket = await open();
      chat.send('hello');
      for (const limit of limits) socket.deliver(limited(limit * SECOND, 'm1'));
      await clock.advance(19 * SECOND);
      expect(orders(socket)).toHaveLength(1);
      await clock.advance(2 * SECOND);
      expect(orders(socket)).toHaveLength(2);
    }
  });

  it.each(['message', 'history'] as const)(
    'a %s that nobody answers is sent again after 5 s, 10 s, 20 s, then each 30 s; a new connection begins anew',
    async (kind) => {
      const { chat, clock, open, begin, story } = givenChat();
      begin('u1', 'said before');
      story.end('done');
      chat.send('hello');
      for (const _connection of [1, 2]) {
        const socket = await open();
        expect(socket.sentOf(kind)).toHaveLength(1);
        const times = [clock.now];
        socket.onsent = ({ type }) => {
          if (type === kind) times.push(clock.now);
          clock.after(1, () => socket.deliver({ type: 'pong' }));
        };
        await clock.advance(126 * SECOND);
        const pauses = times.slice(1).map((time, at) => (time - (times[at] ?? 0)) / SECOND);
        expect(pauses).toEqual([5, 10, 20, 30, 30, 30]);
        socket.cut();
        await clock.advance(5 * SECOND);
      }
    },
  );

  it('a withdrawal that met the limit is asked for again after it', async () => {
    const { chat, clock, open } = givenChat();
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
    const { chat, open } = givenChat();
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
    const { chat, open } = givenChat();
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
  const first = givenChat({ storage });
  first.chat.send(content);
  expect(first.chat.transcript.getSnapshot().pending).toMatchObject([{ content }]);
  await first.open();
  expect(first.socket().sentOf('message')).toMatchObject([{ content }]);
  first.chat.close();
  const second = givenChat({ storage });
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
    const first = givenChat({ storage });
    await first.open();
    first.chat.send('one');
    await first.clock.advance(0);
    first.chat.close();
    const second = givenChat({ storage, name: 'other' });
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

  it('options of a message are sent with it, also after a reload; language and time zone with each `connect`', async () => {
    const storage = memoryStorage();
    const options = { tone: 'short', filter: { city: 'Lisbon' } };
    const first = givenChat({ storage, locale: 'pt-PT', timeZone: 'Europe/Lisbon' });
    const opened = await first.open();
    first.chat.send('one', { options });
    expect(opened.sentOf('connect')[0]).toMatchObject({ locale: 'pt-PT', time_zone: 'Europe/Lisbon' });
    expect(opened.sentOf('message')).toMatchObject([{ content: 'one', options }]);
    await first.clock.advance(0);
    first.chat.close();
    const again = await givenChat({ storage, name: 'other' }).open();
    expect(again.sentOf('message')).toMatchObject([{ content: 'one', options }]);
    expect(again.sentOf('connect')[0]).not.toHaveProperty('locale');
  });

  it('a reload between sending and the first frame keeps what was sent, in its order, once', async () => {
    const storage = memoryStorage();
    const first = givenChat({ storage });
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
    const second = givenChat({ storage, name: 'other' });
    second.chat.send('three');
    const after = await second.open();
    expect(after.sentOf('connect')[0]?.resume).toEqual({ lane: 'lane-1' });
    expect(orders(after)).toEqual([
      ['m1', 1],
      ['m2', 2],
      ['other1', 3],
    ]);
  });

  it('in a slow storage is written one state after the other, and the newest one last', async () => {
    const written: string[] = [];
    const ends: (() => void)[] = [];
    const storage: OutboxStorage = {
      getItem: async () => null,
      setItem: (_, value) => {
        written.push(value);
        return new Promise((resolve) => ends.push(resolve));
      },
      removeItem: async () => {},
    };
    const outbox = new Outbox(storage, 'key', () => {});
    await outbox.load();
    for (const id of ['m1', 'm2', 'm3']) outbox.add({ id, content: id, delivery: 'steer' });
    const ids = () => written.map((text) => JSON.parse(text).parcels.map(({ id }: { id: string }) => id));
    expect(ids()).toEqual([[]]);
    ends.shift()?.();
    await nextTick();
    expect(ids()).toEqual([[], ['m1', 'm2', 'm3']]);
    ends.shift()?.();
    await nextTick();
    expect(ends).toEqual([]);
    outbox.keep(new Set());
    expect(ids()).toEqual([[], ['m1', 'm2', 'm3'], []]);
  });

  it('a storage that fails is reported, and the chat goes on without it', async () => {
    const refuse = () => {
      throw new Error('quota');
    };
    const { chat, open, errors } = givenChat({
      storage: { getItem: refuse, setItem: refuse, removeItem: refuse },
    });
    const socket = await open();
    chat.send('hello');
    expect(socket.sentOf('message')).toHaveLength(1);
    expect(errors[0]).toMatchObject({ code: 'STORAGE_FAILED' });
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
