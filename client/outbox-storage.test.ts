import { setImmediate as nextTick } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { memoryStorage, type OutboxStorage } from './storage.ts';
import { givenChat, MINUTE, orders } from './testing/given-chat.ts';

/** What a reload finds: the storage as it is now. */
function copied(storage: OutboxStorage): OutboxStorage {
  const copy = memoryStorage();
  void copy.setItem('midturn:s', String(storage.getItem('midturn:s')));
  return copy;
}

describe('a page that is gone at any moment', () => {
  it('P10: has stored what it sends, with its lane, before it sends it: on another lane it is not sent again', async () => {
    const storage = memoryStorage();
    const first = givenChat({ storage });
    const socket = await first.open();
    const found: OutboxStorage[] = [];
    socket.onsent = ({ type }) => {
      if (type === 'message') found.push(copied(storage));
    };
    first.chat.send('one');
    first.chat.send('two');
    expect(found).toHaveLength(2);
    for (const [at, left] of found.entries()) {
      const second = givenChat({ storage: left, name: 'other' });
      const again = await second.open('lane-2');
      expect(orders(again)).toEqual([]);
      expect(second.chat.transcript.getSnapshot().items).toMatchObject(
        ['one', 'two']
          .slice(0, at + 1)
          .map((content) => ({ content, state: { status: 'rejected', code: 'LANE_LOST' } })),
      );
    }
  });

  it('finds what was written without a connection: it is shown at once, and sent', async () => {
    const storage = memoryStorage();
    const first = givenChat({ storage });
    await first.clock.advance(0);
    for (const delivery of ['steer', 'queue', 'now'] as const) first.chat.send(delivery, { delivery });
    const second = givenChat({ storage: copied(storage), name: 'other' });
    await second.clock.advance(0);
    const { pending } = second.chat.transcript.getSnapshot();
    expect(pending).toMatchObject([
      { id: 'm1', content: 'steer', delivery: 'steer', state: { status: 'sending' } },
      { id: 'm2', content: 'queue', delivery: 'queue', state: { status: 'sending' } },
      { id: 'm3', content: 'now', delivery: 'now', state: { status: 'sending' } },
    ]);
    const sent = (await second.open()).sentOf('message');
    expect(sent.map(({ content, delivery = 'steer', order }) => [content, delivery, order])).toEqual([
      ['steer', 'steer', 1],
      ['queue', 'queue', 2],
      ['now', 'now', 3],
    ]);
  });

  it('goes on with its lane where no message waits', async () => {
    const storage = memoryStorage();
    await givenChat({ storage }).open();
    const socket = await givenChat({ storage }).open();
    expect(socket.sentOf('connect')[0]?.resume).toEqual({ lane: 'lane-1' });
  });

  it('stores nothing over what is still to be read', async () => {
    const before = memoryStorage();
    const first = givenChat({ storage: before });
    await first.clock.advance(0);
    first.chat.send('earlier');
    const storage = copied(before);
    let read = (_: string | null) => {};
    const slow = {
      ...storage,
      getItem: () => new Promise<string | null>((resolve) => (read = resolve)),
    };
    const second = givenChat({ storage: slow, name: 'other' });
    second.chat.send('meanwhile');
    const contents = async (from: OutboxStorage) => {
      const { chat, clock } = givenChat({ storage: from, name: 'third' });
      await clock.advance(0);
      return chat.transcript.getSnapshot().pending.map(({ content }) => content);
    };
    expect(await contents(copied(storage))).toEqual(['earlier']);
    read(await storage.getItem('midturn:s'));
    await second.clock.advance(0);
    expect(await contents(copied(storage))).toEqual(['earlier', 'meanwhile']);
  });

  it.each(['disconnect', 'close'] as const)(
    'dials nothing after a %s that came before it was read',
    async (leave) => {
      const { chat, clock, sockets } = givenChat();
      chat[leave]();
      await clock.advance(MINUTE);
      expect(sockets).toHaveLength(0);
      if (leave === 'disconnect') chat.connect();
      await clock.advance(0);
      expect(sockets).toHaveLength(leave === 'disconnect' ? 1 : 0);
    },
  );
});

it('is written where the outbox has changed, and not with each event', async () => {
  const storage = memoryStorage();
  let writes = 0;
  const counting: OutboxStorage = {
    ...storage,
    setItem: (key, value) => {
      writes += 1;
      return storage.setItem(key, value);
    },
  };
  const { chat, open, begin } = givenChat({ storage: counting });
  const socket = await open();
  chat.send('hello');
  expect(writes).toBeGreaterThan(0);
  writes = 0;
  socket.deliver(...begin('u1', 'one ', 'two ', 'three'));
  expect(writes).toBe(0);
});

describe('a storage that fails', () => {
  const fail = () => {
    throw new Error('quota');
  };
  it.each<[string, Partial<OutboxStorage>]>([
    ['to be read', { getItem: fail }],
    ['to be read, later', { getItem: async () => fail() }],
    ['to be written', { setItem: fail }],
    ['to be written, later', { setItem: async () => fail() }],
  ])('%s is reported, and the chat goes on without it', async (_, failing) => {
    const { chat, open, errors } = givenChat({ storage: { ...memoryStorage(), ...failing } });
    const socket = await open();
    chat.send('hello');
    expect(orders(socket)).toEqual([['m1', 1]]);
    await nextTick();
    expect(errors[0]).toMatchObject({ code: 'STORAGE_FAILED', cause: { message: 'quota' } });
  });

  it('once is written again with the next change', async () => {
    const storage = memoryStorage();
    let isFull = true;
    const { chat, clock, open } = givenChat({
      storage: {
        ...storage,
        setItem: async (key, value) => (isFull ? fail() : storage.setItem(key, value)),
      },
    });
    await open();
    isFull = false;
    chat.send('hello');
    await clock.advance(0);
    const next = givenChat({ storage, name: 'other' });
    expect(orders(await next.open())).toEqual([['m1', 1]]);
  });
});
