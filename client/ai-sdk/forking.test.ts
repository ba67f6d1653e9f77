import { describe, expect, it } from 'vitest';
import type { FrameOf } from '../protocol.ts';
import { accepted } from '../testing/given-chat.ts';
import { givenTransport, type Read, read } from '../testing/given-transport.ts';
import { Story } from '../testing/story.ts';
import type { MidturnFork } from './transport.ts';
import type { Chunk } from './ui-message.ts';

const textOf = ({ chunks }: Read) =>
  chunks.map((chunk) => (chunk.type === 'text-delta' ? chunk.delta : '')).join('');
const typesOf = ({ chunks }: Read) => chunks.map(({ type }: Chunk) => type);
const again = { trigger: 'regenerate-message' } as const;
const forked = (session_id: string): FrameOf<'forked'> => ({
  type: 'forked',
  session_id,
  forked_from: { session_id: 's', before: 1 },
  message_count: 0,
});

/** A page whose message `m1` was answered; `forks`: it may go over to forks. */
async function answered({ hasForks = true, isOver = true, stop = new AbortController() } = {}) {
  const forks: MidturnFork[] = [];
  const given = givenTransport(hasForks ? { onFork: (fork) => forks.push(fork) } : {});
  const { clock, open, send, story } = given;
  const first = read(await send('m1', { abortSignal: stop.signal }));
  const socket = await open();
  story.begin(['m1']);
  story.takeIn([{ id: 'm1', content: 'says m1' }], 1);
  story.say('one');
  if (isOver) story.end('done');
  socket.deliver(...story.events);
  await clock.advance(0);
  const settle = async () => {
    for (let turn = 0; turn < 3; turn++) await clock.advance(0);
  };
  /** Answers the request for a fork. @returns its id, and the socket of its session */
  const fork = async () => {
    await settle();
    const id = socket.sentOf('fork').at(-1)?.session_id ?? '';
    socket.deliver(forked(id));
    await settle();
    const own = new Story();
    return { id, story: own, socket: await open({ session_id: id }, own) };
  };
  return { ...given, forks, first, socket, settle, fork };
}

describe('an answer that is made again', () => {
  it('goes on in a fork, without what ran before, and the chat is on that session then', async () => {
    const { forks, fork, send, settle, socket, transport } = await answered();
    const old = transport.client('s');
    const body = { delivery: 'queue', options: { tone: 'short' } };
    const told = read(await send('m1', { ...again, body }));
    await settle();
    expect(told.chunks).toEqual([{ type: 'start', messageId: 'answer-m1' }]);
    expect(socket.sentOf('fork')).toMatchObject([{ from: 's', before: 'm1' }]);
    const made = await fork();
    expect(forks).toEqual([{ chatId: 's', from: 's', to: made.id, before: 'm1' }]);
    expect(transport.client('s').sessionId).toBe(made.id);
    expect(made.socket.sentOf('message')).toMatchObject([{ id: 'm1', content: 'says m1', ...body }]);
    made.story.begin(['m1']);
    made.story.takeIn([{ id: 'm1', content: 'says m1' }], 1);
    made.story.say('two');
    made.story.end('done');
    made.socket.deliver(...made.story.events);
    await settle();
    expect([textOf(told), told.isOver]).toEqual(['two', true]);
    expect(old.transcript.getSnapshot().connection.status).toBe('closed');
  });

  it('keeps what runs in the first session from the page, whose stream ends with the fork’s', async () => {
    const { first, fork, send, settle, socket, story } = await answered({ isOver: false });
    read(await send('m1', again));
    story.say(' more');
    socket.deliver(...story.events.slice(-1));
    const made = await fork();
    story.say(' and more');
    story.end('done');
    socket.deliver(...story.events.slice(-2));
    await settle();
    expect([textOf(first), first.isOver]).toEqual(['one', false]);
    made.story.begin(['m1']);
    made.story.end('done');
    made.socket.deliver(...made.story.events);
    made.socket.deliver({ type: 'cancelled', ids: ['m1'], reason: 'user' });
    await settle();
    expect([textOf(first), first.isOver]).toEqual(['one', true]);
  });

  it('P3: that is refused puts back what was removed, and what runs goes on', async () => {
    const { first, forks, send, settle, socket, story, transport } = await answered({ isOver: false });
    const told = read(await send('m1', again));
    await settle();
    story.say(' more');
    socket.deliver(...story.events.slice(-1));
    await settle();
    expect(textOf(first)).toBe('one');
    const { session_id } = socket.sentOf('fork')[0] ?? {};
    const refusal = { code: 'ENTRY_NOT_FOUND', message: 'No such message.' } as const;
    socket.deliver({
      type: 'error',
      ...refusal,
      terminal: false,
      retryable: true,
      ...(session_id !== undefined && { session_id }),
    });
    await settle();
    expect(told.chunks.slice(-2)).toEqual([
      { type: 'data-failure', data: { ...refusal, retryable: true }, transient: true },
      { type: 'error', errorText: refusal.message },
    ]);
    expect([textOf(told), textOf(first)]).toEqual(['one more', 'one more']);
    expect(forks).toEqual([]);
    expect(transport.client('s').sessionId).toBe('s');
  });

  it('makes what is said meanwhile wait for the fork, and what is resumed', async () => {
    const { fork, send, settle, socket, transport } = await answered();
    read(await send('m1', again));
    const next = send('m2');
    const resumed = transport.reconnectToStream({ chatId: 's' });
    await settle();
    expect(socket.sentOf('message').map(({ id }) => id)).toEqual(['m1']);
    const made = await fork();
    await Promise.all([next, resumed]);
    await settle();
    expect(made.socket.sentOf('message').map(({ id }) => id)).toEqual(['m1', 'm2']);
    expect(socket.sentOf('message')).toHaveLength(1);
  });

  it('is refused without `onFork`, and so is an edited message, each in its words', async () => {
    const { send, settle, socket } = await answered({ hasForks: false });
    const told = [
      read(await send('m1', again)),
      read(await send('m1')),
      read(await send('m1', { messageId: 'm1' })),
    ];
    await settle();
    expect(told.map(typesOf)).toEqual(
      told.map(() => [
        ...['start', 'data-message-state', 'start-step', 'text-start', 'text-delta', 'text-end'],
        ...['message-metadata', 'data-failure', 'error'],
      ]),
    );
    for (const { chunks } of told)
      expect(chunks.at(-2)).toMatchObject({ data: { code: 'UNSUPPORTED', retryable: false } });
    const words = told.map(({ chunks }) => {
      const end = chunks.at(-1);
      return end?.type === 'error' && end.errorText;
    });
    expect(words).toEqual([
      expect.stringContaining('cannot be made again'),
      expect.stringContaining('cannot be edited'),
      expect.stringContaining('cannot be edited'),
    ]);
    expect(socket.sentOf('fork')).toEqual([]);
  });

  it('is not meant by a message whose id is that of a call of a tool', async () => {
    const { send, settle, socket, story } = await answered();
    story.begin(['u1']);
    story.call('m2');
    socket.deliver(...story.events.slice(-2));
    read(await send('m2'));
    await settle();
    expect(socket.sentOf('message').map(({ id }) => id)).toEqual(['m1', 'm2']);
    expect(socket.sentOf('fork')).toEqual([]);
  });

  it('is no fork where the last message is an answer', async () => {
    const { send, settle, socket } = await answered();
    const messages = [{ id: 'answer-m1', role: 'assistant' as const, parts: [] }];
    const told = read(await send('', { messages }));
    await settle();
    const errorText = expect.stringContaining('cannot be made again');
    expect(told.chunks.at(-1)).toMatchObject({ type: 'error', errorText });
    expect(socket.sentOf('fork')).toEqual([]);
  });

  it('of a message that no turn has taken in is refused before anything is asked', async () => {
    const { send, settle, socket } = await answered();
    read(await send('m2'));
    socket.deliver({ type: 'cancelled', ids: ['m2'], reason: 'user' });
    await settle();
    const told = read(await send('m2', again));
    await settle();
    expect(told.chunks.at(-1)).toMatchObject({
      type: 'error',
      errorText: expect.stringContaining('not taken in'),
    });
    expect(socket.sentOf('fork')).toEqual([]);
  });
});

describe('a session that a chat has left', () => {
  it('P14: is not stopped by a page that stops: what runs there goes on', async () => {
    const stop = new AbortController();
    const { fork, send, settle, socket, transport } = await answered({ isOver: false, stop });
    const old = transport.client('s');
    old.send('on its way');
    read(await send('m1', again));
    await fork();
    stop.abort();
    await settle();
    expect(old.transcript.getSnapshot().connection.status).toBe('online');
    expect([socket.sentOf('abort'), socket.sentOf('cancel')]).toEqual([[], []]);
  });

  it('P1: is closed when what was sent to it has arrived', async () => {
    const { fork, send, settle, socket, transport } = await answered();
    const old = transport.client('s');
    old.send('on its way');
    read(await send('m1', again));
    await fork();
    expect(old.transcript.getSnapshot().connection.status).toBe('online');
    const { id = '' } = socket.sentOf('message').at(-1) ?? {};
    socket.deliver(accepted(id));
    await settle();
    expect(old.transcript.getSnapshot().connection.status).toBe('closed');
  });

  it('is shown again with its messages, and another chat keeps it open', async () => {
    const { fork, send, settle, transport } = await answered();
    const old = transport.client('s');
    await transport.messages('s');
    read(await send('m1', again));
    const { id } = await fork();
    const messages = transport.messages('s');
    expect(transport.client('s').sessionId).toBe('s');
    expect(transport.client('s')).not.toBe(old);
    messages.catch(() => {});
    const fresh = transport.client(id);
    expect(fresh.sessionId).toBe(id);
    transport.close();
    await settle();
    expect(fresh.transcript.getSnapshot().connection.status).toBe('closed');
    expect(transport.client(id)).not.toBe(fresh);
    transport.close();
  });
});
