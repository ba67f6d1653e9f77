import { afterEach, describe, expect, it, vi } from 'vitest';
import type { ErrorReply } from '../protocol.ts';
import { accepted } from '../testing/given-chat.ts';
import { givenTransport, read } from '../testing/given-transport.ts';
import type { Chunk } from './ui-message.ts';

afterEach(() => void vi.useRealTimers());

const typesOf = (chunks: readonly Chunk[]) => chunks.map(({ type }) => type);
const textOf = (chunks: readonly Chunk[]) =>
  chunks.map((chunk) => (chunk.type === 'text-delta' ? chunk.delta : '')).join('');
const refusal = (code: ErrorReply['code'], id: string): ErrorReply => ({
  type: 'error',
  code,
  message: 'why',
  terminal: false,
  retryable: true,
  id,
});
/** The text of a message that a story takes in. */
const said = (id: string) => ({ id, content: `says ${id}` });

/** A page whose message `m1` opened a turn, which has said something. */
async function answering(stop?: AbortSignal) {
  const given = givenTransport();
  const { clock, open, send, story } = given;
  const first = read(await send('m1', { abortSignal: stop }));
  const socket = await open();
  /** Delivers what has happened since the last time. */
  let told = 0;
  const tell = async () => {
    socket.deliver(...story.events.slice(told));
    told = story.events.length;
    await clock.advance(0);
  };
  story.begin(['m1']);
  story.takeIn([said('m1')], 1);
  story.say('half');
  await tell();
  return { ...given, first, socket, tell };
}

describe('a message', () => {
  it('has a stream of its own: at once its answer’s place, then what it waits for, then its answer', async () => {
    const { clock, open, send, story } = givenTransport();
    const { chunks, ...rest } = read(await send('m1'));
    await clock.advance(0);
    expect(chunks).toEqual([{ type: 'start', messageId: 'answer-m1' }]);
    const socket = await open();
    expect(socket.sentOf('message')).toMatchObject([{ id: 'm1', content: 'says m1' }]);
    socket.deliver(accepted('m1'));
    const { type: _, id, ...waits } = accepted('m1');
    const { turn_id: turnId, ...place } = waits;
    expect(rest.isOver).toBe(false);
    await clock.advance(0);
    const state = { type: 'data-message-state', id };
    expect(chunks.splice(0)).toEqual([
      { type: 'start', messageId: 'answer-m1' },
      { ...state, data: { status: 'accepted', turnId, ...place, messageId: 'm1' }, transient: true },
    ]);
    story.begin(['m1']);
    story.takeIn([said('m1')], 1);
    story.say('hello');
    story.end('done');
    socket.deliver(...story.events);
    await clock.advance(0);
    expect(chunks[0]).toEqual({ ...state, data: { status: 'applied', turnId, step: 1, messageId: 'm1' } });
    expect(typesOf(chunks.slice(1))).toEqual([
      'start-step',
      'text-start',
      'text-delta',
      'text-end',
      'finish-step',
      'finish',
    ]);
  });

  it.each([
    ['queued', { transient: true }],
    ['turn', { transient: true }],
  ] as const)('that is %s says so to the page alone', async (placement, expected) => {
    const { clock, open, send } = givenTransport();
    const { chunks } = read(await send('m1', { body: { delivery: 'queue', options: { tone: 'short' } } }));
    const socket = await open();
    expect(socket.sentOf('message')).toMatchObject([{ delivery: 'queue', options: { tone: 'short' } }]);
    socket.deliver({ ...accepted('m1'), placement });
    await clock.advance(0);
    expect(chunks.at(-1)).toMatchObject({ type: 'data-message-state', ...expected });
  });

  it('that is refused keeps the refusal in its answer, and fails with its words', async () => {
    const { clock, open, send } = givenTransport();
    const told = read(await send('m1'));
    const socket = await open();
    socket.deliver(refusal('SESSION_QUEUE_FULL', 'm1'));
    await clock.advance(0);
    const data = { status: 'rejected', code: 'SESSION_QUEUE_FULL', messageId: 'm1' };
    expect(told.chunks.slice(1)).toMatchObject([
      { type: 'data-message-state', data, transient: false },
      { type: 'error', errorText: 'why' },
    ]);
    expect(told.isOver).toBe(true);
  });

  it('that is withdrawn keeps that in its answer, and does not fail', async () => {
    const { clock, open, send } = givenTransport();
    const told = read(await send('m1'));
    const socket = await open();
    socket.deliver({ type: 'cancelled', ids: ['m1'], reason: 'user' });
    await clock.advance(0);
    const data = { status: 'cancelled', reason: 'user', messageId: 'm1' };
    expect(told.chunks.slice(1)).toEqual([
      { type: 'data-message-state', id: 'm1', data, transient: false },
      { type: 'abort', reason: 'user' },
    ]);
    expect(told.isOver).toBe(true);
  });

  it('P3: whose turn fails has what was said, then the failure, with its turn as after a reload', async () => {
    const { first, story, tell } = await answering();
    story.end('error');
    await tell();
    expect(typesOf(first.chunks).slice(-5)).toEqual([
      'text-end',
      'finish-step',
      'message-metadata',
      'data-failure',
      'error',
    ]);
    expect(first.chunks).toContainEqual({
      type: 'message-metadata',
      messageMetadata: { turnId: 'turn-1' },
    });
    expect(first.isOver).toBe(true);
  });
});

describe('a message in mid-turn', () => {
  it('divides the answer where it was taken in, and no stream ends before all are told', async () => {
    const { clock, first, send, story, tell } = await answering();
    const second = read(await send('m2'));
    story.takeIn([said('m2')], 2);
    story.say('whole');
    await tell();
    expect(first.chunks.at(-1)).toEqual({
      type: 'finish',
      finishReason: 'stop',
      messageMetadata: { turnId: 'turn-1' },
    });
    expect([textOf(first.chunks), textOf(second.chunks)]).toEqual(['half', 'whole']);
    expect([first.isOver, second.isOver]).toEqual([false, false]);
    story.end('done');
    await tell();
    await clock.advance(0);
    expect([first.isOver, second.isOver]).toEqual([true, true]);
    expect(textOf(first.chunks)).toBe('half');
  });

  it('of several that are taken in together, the last one’s stream goes on', async () => {
    const { first, send, story, tell } = await answering();
    const others = [read(await send('m2')), read(await send('m3'))];
    story.takeIn([said('m2'), said('m3')], 2);
    story.say('whole');
    story.end('done');
    await tell();
    expect([first, ...others].map(({ chunks }) => textOf(chunks))).toEqual(['half', '', 'whole']);
    expect([first, ...others].map(({ isOver }) => isOver)).toEqual([true, true, true]);
  });

  it('of another device stands in the answer, which goes on', async () => {
    const { first, story, tell } = await answering();
    story.takeIn([said('u2')], 2);
    story.say('whole');
    await tell();
    expect(first.chunks).toContainEqual({
      type: 'steering-message',
      id: 'u2',
      parts: [{ type: 'text', text: 'says u2' }],
    });
    expect(textOf(first.chunks)).toBe('halfwhole');
  });
});

describe('stop', () => {
  it('ends the turn and withdraws what waits, and the page resumes what the turn still says, once', async () => {
    const stop = new AbortController();
    const { clock, socket, story, tell, transport } = await answering(stop.signal);
    transport.client('s').send('waits', { id: 'u9' });
    stop.abort();
    expect(socket.sentOf('abort')).toEqual([
      { type: 'abort', turn_id: 'turn-1', pending: 'discard', pending_ids: ['u9'] },
    ]);
    expect(socket.sentOf('cancel')).toEqual([]);
    story.say(' more');
    const resumed = read(await transport.reconnectToStream({ chatId: 's' }));
    await clock.advance(0);
    expect(resumed.chunks.slice(0, 2)).toEqual([
      { type: 'start', messageId: 'answer-m1' },
      { type: 'message-metadata', messageMetadata: { turnId: 'turn-1', stopping: true } },
    ]);
    story.end('aborted');
    await tell();
    expect(textOf(resumed.chunks)).toBe('half more');
    expect(resumed.chunks.filter(({ type }) => type === 'message-metadata')).toHaveLength(2);
    expect(resumed.isOver).toBe(true);
    await clock.advance(0);
    expect(await transport.reconnectToStream({ chatId: 's' })).toBeNull();
  });

  it('also shows the stopped turn where that is over by now', async () => {
    const stop = new AbortController();
    const { story, tell, transport } = await answering(stop.signal);
    stop.abort();
    story.end('aborted');
    await tell();
    const resumed = read(await transport.reconnectToStream({ chatId: 's' }));
    await tell();
    expect(textOf(resumed.chunks)).toBe('half');
    expect(resumed.chunks.at(-1)).toEqual({ type: 'abort', reason: 'user' });
    expect(await transport.reconnectToStream({ chatId: 's' })).toBeNull();
  });

  it('is followed by the turn of another device, where one runs by now', async () => {
    const stop = new AbortController();
    const { clock, story, tell, transport } = await answering(stop.signal);
    stop.abort();
    story.end('aborted');
    story.begin(['u2']);
    story.say('other');
    await tell();
    const resumed = read(await transport.reconnectToStream({ chatId: 's' }));
    await clock.advance(0);
    expect(resumed.chunks[0]).toEqual({ type: 'start', messageId: 'answer-turn-2' });
    expect(textOf(resumed.chunks)).toBe('other');
  });

  it('is asked for once, and not where the turn is over', async () => {
    const stops = [new AbortController(), new AbortController()];
    const { send, socket, story, tell } = await answering(stops[0]?.signal);
    read(await send('m2', { abortSignal: stops[1]?.signal }));
    story.takeIn([said('m2')], 2);
    await tell();
    for (const stop of stops) stop.abort();
    await tell();
    expect(socket.sentOf('abort')).toHaveLength(1);
    const late = new AbortController();
    const other = await answering(late.signal);
    other.story.end('done');
    await other.tell();
    late.abort();
    await other.tell();
    expect(other.socket.sentOf('abort')).toEqual([]);
  });

  it('P1: of a message that no turn has taken in withdraws it; the page is told when it resumes', async () => {
    const stop = new AbortController();
    const { clock, open, send, transport } = givenTransport();
    read(await send('m1', { abortSignal: stop.signal }));
    const socket = await open();
    socket.deliver({ ...accepted('m1'), placement: 'queued' });
    stop.abort();
    expect(socket.sentOf('cancel')).toEqual([{ type: 'cancel', id: 'm1' }]);
    socket.deliver({ type: 'cancelled', ids: ['m1'], reason: 'withdrawn' });
    await clock.advance(0);
    const resumed = read(await transport.reconnectToStream({ chatId: 's' }));
    await clock.advance(0);
    const data = { status: 'cancelled', reason: 'withdrawn', messageId: 'm1' };
    expect(resumed.chunks).toEqual([
      { type: 'start', messageId: 'answer-m1' },
      { type: 'data-message-state', id: 'm1', data },
    ]);
    expect(resumed.isOver).toBe(true);
    expect(await transport.reconnectToStream({ chatId: 's' })).toBeNull();
  });

  it('P1: of a message that is taken in all the same stops its turn', async () => {
    const stop = new AbortController();
    const { clock, open, send, story } = givenTransport();
    read(await send('m1', { abortSignal: stop.signal }));
    const socket = await open();
    stop.abort();
    story.begin(['m1']);
    story.takeIn([said('m1')], 1);
    socket.deliver(...story.events);
    await clock.advance(0);
    expect(socket.sentOf('abort')).toMatchObject([{ turn_id: 'turn-1', pending: 'discard' }]);
  });

  it('P1: before a message is sent, as while a fork is made, withdraws it unsent', async () => {
    const { open, send } = givenTransport();
    read(await send('m1', { abortSignal: AbortSignal.abort() }));
    expect((await open()).sentOf('message')).toEqual([]);
  });
});

describe('a page that resumes', () => {
  it('has nothing to show without a turn', async () => {
    const { clock, open, transport } = givenTransport();
    const resuming = transport.reconnectToStream({ chatId: 's' });
    let isAnswered = false;
    void resuming.then(() => (isAnswered = true));
    await clock.advance(0);
    expect(isAnswered).toBe(false);
    await open();
    expect(await resuming).toBeNull();
  });

  it('and leaves before it has seen anything stops nothing, also where it does not wait for a connection', async () => {
    const stop = new AbortController();
    const { clock, open, story, transport } = givenTransport();
    story.begin(['u1']);
    const resuming = transport.reconnectToStream({ chatId: 's', abortSignal: stop.signal } as never);
    await clock.advance(0);
    stop.abort();
    expect(await resuming).toBeNull();
    const socket = await open();
    expect(socket.sentOf('abort')).toEqual([]);
    const again = transport.reconnectToStream({ chatId: 's', abortSignal: AbortSignal.abort() } as never);
    expect(await again).toBeNull();
  });

  it.each([
    [true, 'answer-u2', 'second'],
    [false, 'answer-turn-1', 'firstsecond'],
  ])(
    'begins below the last message of the turn that it shows (%s): in %s',
    async (isShown, messageId, text) => {
      const { clock, open, story, transport } = givenTransport();
      story.begin(['u1']);
      story.takeIn([said('u1')], 1);
      story.say('first');
      story.takeIn([said('u2')], 2);
      story.say('second');
      const loaded = isShown ? transport.messages('s') : undefined;
      transport.client('s');
      const socket = await open();
      await loaded;
      const stop = new AbortController();
      const resumed = read(
        await transport.reconnectToStream({ chatId: 's', abortSignal: stop.signal } as never),
      );
      await clock.advance(0);
      expect(resumed.chunks[0]).toEqual({ type: 'start', messageId });
      expect(textOf(resumed.chunks)).toBe(text);
      expect(resumed.isOver).toBe(false);
      stop.abort();
      expect(socket.sentOf('abort')).toMatchObject([{ turn_id: 'turn-1', pending: 'discard' }]);
    },
  );
});
