import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { SocketConstructor } from './platform.ts';
import type { ServerFrame } from './protocol.ts';
import { givenChat, MINUTE, SECOND } from './testing/given-chat.ts';
import { type FakeSocket, fakeSockets } from './testing/socket.ts';

const surplus: ServerFrame = {
  type: 'error',
  code: 'TOO_MANY_CONNECTIONS',
  message: '',
  terminal: false,
  retryable: true,
};

type Given = ReturnType<typeof givenChat>;

/** Lets the time pass until the next connection is dialled. */
async function dialled({ chat, clock }: Given): Promise<void> {
  const { connection } = chat.transcript.getSnapshot();
  await clock.advance(connection.status === 'waiting' ? connection.retryAt - clock.now : 0);
}

/** Loses this many handshakes, one after the other, each as soon as it is dialled. */
async function loseHandshakes(given: Given, count: number): Promise<void> {
  for (let lost = 0; lost < count; lost++) {
    await dialled(given);
    given.socket().cut();
  }
}

/** One visible ASCII character. */
const visible = fc.integer({ min: 0x21, max: 0x7e }).map((code) => String.fromCharCode(code));

describe('the address', () => {
  it('names any session and any name so that a server reads them as they are', async () => {
    const anyId = fc
      .string({ unit: visible, minLength: 1, maxLength: 64 })
      .filter((id) => id !== '__proto__');
    const anyName = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 });
    await fc.assert(
      fc.asyncProperty(anyId, anyName, fc.boolean(), async (sessionId, name, hasQuery) => {
        const { clock, socket } = givenChat({
          url: `wss://example.test/prod${hasQuery ? '?x=1' : ''}`,
          sessionId,
          name,
        });
        await clock.advance(0);
        const { searchParams, hash } = new URL(socket().url);
        const expected = [...(hasQuery ? [['x', '1']] : []), ['session_id', sessionId], ['name', name]];
        expect([...searchParams]).toEqual(expected);
        expect(hash).toBe('');
      }),
      { numRuns: 50 },
    );
  });
});

/** The characters of a subprotocol (RFC 9110, section 5.6.2). */
const SUBPROTOCOL = /^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/;

it('a token of any text goes with the handshake in a form that a header can have, and comes out the same', async () => {
  const anyToken = fc.oneof(
    fc.string({ unit: 'binary', minLength: 1, maxLength: 20 }),
    fc.string({ unit: visible, minLength: 1, maxLength: 20 }),
  );
  await fc.assert(
    fc.asyncProperty(anyToken, async (token) => {
      const { clock, socket } = givenChat({ token });
      await clock.advance(0);
      const [, protocol = ''] = socket().protocols;
      expect(protocol).toMatch(SUBPROTOCOL);
      const [, form, sent = ''] = /^bearer(64)?\.(.*)$/.exec(protocol) ?? [];
      expect(form ? Buffer.from(sent, 'base64url').toString() : sent).toBe(token);
    }),
    { numRuns: 100 },
  );
});

describe('dialling again', () => {
  it('goes on where the host cannot make a socket, which is told', async () => {
    const { WebSocket, sockets } = fakeSockets();
    let tries = 0;
    class Refusing extends (WebSocket as typeof FakeSocket) {
      constructor(url: string, protocols: string[]) {
        tries += 1;
        if (tries === 1) throw new SyntaxError('no such address');
        super(url, protocols);
      }
    }
    const { clock, errors } = givenChat({ WebSocket: Refusing as SocketConstructor });
    await clock.advance(0);
    expect(errors).toMatchObject([{ code: 'CONNECTION_FAILED', cause: { name: 'SyntaxError' } }]);
    await clock.advance(SECOND);
    expect(sockets).toHaveLength(1);
  });

  it.each<[string, (given: Given) => Promise<void>]>([
    [
      'a connection that was up',
      async (given) => {
        await dialled(given);
        await given.open();
        given.socket().cut();
      },
    ],
    [
      'the network has come back',
      async ({ wake, clock, socket }) => {
        wake();
        await clock.advance(0);
        socket().cut();
      },
    ],
  ])('begins with short pauses after %s, however long they were before', async (_, begin) => {
    const given = givenChat();
    await loseHandshakes(given, 6);
    const state = () => given.chat.transcript.getSnapshot().connection;
    expect(state()).toMatchObject({ status: 'waiting', attempt: 6 });
    await begin(given);
    expect(state()).toEqual({ status: 'waiting', attempt: 1, retryAt: given.clock.now + 350 });
  });

  it('offers the subprotocol to a server that has accepted it, and tries without only where no handshake succeeds', async () => {
    const given = givenChat();
    const { clock, socket, sockets } = given;
    await clock.advance(0);
    socket().accept();
    socket().cut();
    await clock.advance(SECOND);
    await loseHandshakes(given, 3);
    expect(sockets.map(({ protocols }) => protocols)).toEqual([
      ['midturn.v1'],
      ['midturn.v1'],
      [],
      ['midturn.v1'],
    ]);
  });

  it('an ordinary loss is dialled again at once, although the connection before it had to give way', async () => {
    const { chat, clock, open, sockets, socket } = givenChat();
    (await open()).deliver(surplus);
    chat.disconnect();
    chat.connect();
    await open();
    socket().cut();
    await clock.advance(SECOND);
    expect(sockets).toHaveLength(3);
  });

  it('ends with disconnect and with close, also while it waits', async () => {
    for (const leave of ['disconnect', 'close'] as const) {
      const { chat, clock, open, sockets, socket, wake } = givenChat();
      await open();
      socket().cut();
      chat[leave]();
      await clock.advance(MINUTE);
      wake();
      if (leave === 'disconnect') chat.send('later');
      await clock.advance(0);
      expect(sockets).toHaveLength(1);
      expect(clock.pending).toBe(0);
    }
  });

  it('is not done by connect where there is a connection, or one is being made', async () => {
    const { chat, clock, open, sockets } = givenChat();
    await clock.advance(0);
    chat.connect();
    await open();
    chat.connect();
    await clock.advance(MINUTE);
    expect(sockets).toHaveLength(1);
    expect(chat.transcript.getSnapshot().connection.status).toBe('online');
  });

  it('is over with close: neither connect nor disconnect changes that', async () => {
    const { chat, clock, open, sockets } = givenChat();
    await open();
    chat.close();
    chat.connect();
    expect(chat.transcript.getSnapshot().connection.status).toBe('closed');
    chat.disconnect();
    expect(chat.transcript.getSnapshot().connection.status).toBe('closed');
    await clock.advance(MINUTE);
    expect(sockets).toHaveLength(1);
  });
});

describe('a dead connection', () => {
  it('is one whose handshake brings no session_start in time, whatever else it brings', async () => {
    const { clock, socket, sockets } = givenChat();
    await clock.advance(0);
    socket().accept();
    await clock.advance(10 * SECOND);
    socket().deliver({ type: 'pong' });
    await clock.advance(5 * SECOND);
    expect(sockets[0]?.readyState).toBe(3);
    await clock.advance(SECOND);
    expect(sockets).toHaveLength(2);
  });

  it('is replaced when it is closing and does not say so', async () => {
    const { clock, open, sockets } = givenChat();
    const first = await open();
    first.readyState = 2;
    await clock.advance(5 * MINUTE + SECOND);
    expect(sockets).toHaveLength(2);
  });

  it('is found within 15 s of the first frame that nobody answers, however much is sent after it', async () => {
    const { chat, clock, open } = givenChat();
    const first = await open();
    for (let seconds = 0; seconds < 15; seconds += 5) {
      chat.send(`at ${seconds} s`);
      await clock.advance(5 * SECOND);
    }
    expect(first.readyState).toBe(3);
  });

  it('is not one on which an abort waits for its turn to end', async () => {
    const { chat, clock, open, begin, sockets } = givenChat();
    const socket = await open();
    socket.onsent = ({ type }) => {
      if (type === 'connect') clock.after(1, () => socket.deliver({ type: 'connected', message: '' }));
    };
    socket.deliver(...begin('u1', 'a tool that takes its time'));
    chat.abort();
    await clock.advance(5 * MINUTE);
    expect(sockets).toHaveLength(1);
  });
});

describe('a renewal', () => {
  const aged = async () => {
    const given = givenChat();
    const old = await given.open();
    old.onsent = ({ type }) => {
      if (type === 'ping') given.clock.after(1, () => old.deliver({ type: 'pong' }));
    };
    await given.clock.advance(100 * MINUTE + 1);
    expect(given.sockets).toHaveLength(2);
    return { ...given, old };
  };

  it('that nobody answers is given up after 15 s, tried again a minute later, and disturbs nothing', async () => {
    const { chat, clock, sockets, old } = await aged();
    await clock.advance(15 * SECOND);
    expect(sockets[1]?.readyState).toBe(3);
    await clock.advance(MINUTE + SECOND);
    expect(sockets).toHaveLength(3);
    expect(old.readyState).toBe(1);
    expect(chat.transcript.getSnapshot().connection.status).toBe('online');
  });

  it('takes the place of a connection that is lost meanwhile', async () => {
    const { chat, sockets, open, old } = await aged();
    old.cut();
    expect(chat.transcript.getSnapshot().connection.status).toBe('connecting');
    const socket = await open();
    expect(chat.transcript.getSnapshot().connection.status).toBe('online');
    chat.send('hello');
    expect([socket.readyState, socket.sentOf('message').length]).toEqual([1, 1]);
    expect(sockets).toHaveLength(2);
  });

  it('ends with the connection that it was to replace, where that is closed', async () => {
    const { chat, clock, sockets } = await aged();
    chat.close();
    await clock.advance(MINUTE);
    expect(sockets.map(({ readyState }) => readyState)).toEqual([3, 3]);
    expect(clock.pending).toBe(0);
  });

  it('P9: a token that comes after the end opens nothing', async () => {
    let give = (_: string) => {};
    const { chat, clock, sockets } = givenChat({ token: () => new Promise((resolve) => (give = resolve)) });
    await clock.advance(0);
    chat.close();
    give('late');
    await clock.advance(MINUTE);
    expect(sockets).toHaveLength(0);
  });
});
