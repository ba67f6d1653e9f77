import { describe, expect, it } from 'vitest';
import { CatchUp } from './catch-up.ts';
import { EventLog } from './event-log.ts';
import { EventStream } from './event-stream.ts';
import type { ErrorReply, EventFrame, ServerFrame } from './protocol.ts';
import { initialState } from './state.ts';
import { accepted, givenChat, MINUTE, SECOND } from './testing/given-chat.ts';
import { last } from './testing/last.ts';
import { Story } from './testing/story.ts';

const refusal = (code: ErrorReply['code'], more: Partial<ErrorReply> = {}): ErrorReply => ({
  type: 'error',
  code,
  message: '',
  terminal: false,
  retryable: false,
  ...more,
});
/** What becomes of a promise: its value, or the code of its error. */
const outcome = (promise: Promise<unknown>) =>
  promise.then(
    (value) => ({ value }),
    ({ code }) => ({ code }),
  );
async function readAll(events: AsyncIterable<EventFrame>): Promise<string[]> {
  const types: string[] = [];
  try {
    for await (const event of events) types.push(event.type);
  } catch (error) {
    types.push((error as { code: string }).code);
  }
  return types;
}

describe('close', () => {
  it('tells everybody who waits', async () => {
    const { chat, open, begin, story } = givenChat({ historyPage: 1 });
    begin('u1', 'said before');
    story.end('done');
    const socket = await open();
    socket.deliver(story.page({ limit: 1 }));
    const message = chat.send('hello');
    const waiting = [chat.history(), message.settled, chat.sessions.list(), chat.sessions.rename('x', 'X')];
    const settled = Promise.all(waiting.map(outcome));
    const read = [readAll(chat.events()), readAll(message.events())];
    await new Promise(setImmediate);
    chat.close();
    expect(await settled).toEqual(waiting.map(() => ({ code: 'CLOSED' })));
    expect(await Promise.all(read)).toEqual([['CLOSED'], ['CLOSED']]);
  });

  it('and everybody who comes later', async () => {
    const { chat, open } = givenChat();
    await open();
    chat.close();
    const late = [chat.history(), chat.sessions.list(), chat.sessions.delete('x')];
    expect(await Promise.all(late.map(outcome))).toEqual(late.map(() => ({ code: 'CLOSED' })));
    expect(() => chat.send('hello')).toThrow(expect.objectContaining({ code: 'CLOSED' }));
    const never = givenChat();
    never.chat.close();
    expect(await outcome(never.chat.ready())).toEqual({ code: 'CLOSED' });
  });

  it('comes with the deletion of the session, and not with the refusal of one message', async () => {
    const { chat, open } = givenChat();
    const socket = await open();
    const message = chat.send('hello');
    socket.deliver(refusal('SESSION_DELETED', { id: message.id }));
    expect(message.state).toMatchObject({ status: 'rejected', code: 'SESSION_DELETED' });
    expect(chat.transcript.getSnapshot().connection.status).toBe('online');
    socket.deliver(refusal('SESSION_DELETED'));
    expect(chat.transcript.getSnapshot().connection.status).toBe('closed');
  });
});

describe('what is asked until it is answered', () => {
  it('an abort that is changed is sent at once, and is over when the server knows of no turn', async () => {
    const { chat, clock, open, begin } = givenChat();
    const socket = await open();
    socket.deliver(...begin('u1', 'so far'));
    chat.abort();
    chat.abort({ pending: 'discard' });
    expect(socket.sentOf('abort').map(({ pending }) => pending)).toEqual([undefined, 'discard']);
    socket.deliver(refusal('NO_ACTIVE_TURN'));
    expect(chat.transcript.getSnapshot().activeTurn?.stopping).toBe(false);
    await clock.advance(10 * SECOND);
    expect(socket.sentOf('abort')).toHaveLength(2);
  });

  it.each<[string, string[], number, boolean]>([
    ['one of before the trust', ['b'], 3, false],
    ['one of another revocation', ['a'], 4, false],
    ['one without it, of a later revocation', ['b'], 4, true],
  ])('a revocation: a list answers it: %s', async (_, trusted, revocations, isAnswer) => {
    const { chat, clock, open } = givenChat();
    const socket = await open();
    socket.deliver({ type: 'trusted', trusted: ['a', 'b'], revocations: 3 });
    chat.revoke('a');
    socket.deliver({ type: 'trusted', trusted, revocations });
    await clock.advance(6 * SECOND);
    expect(socket.sentOf('revoke')).toHaveLength(isAnswer ? 1 : 2);
  });

  it('nothing is revoked in a session that begins anew, and readers of the old one are told', async () => {
    const { chat, clock, open, begin, story, socket } = givenChat();
    const first = await open();
    first.deliver(...begin('u1', 'one'), { type: 'trusted', trusted: ['a'], revocations: 3 });
    chat.revoke('a');
    const read = readAll(chat.events());
    story.events.length = 0;
    story.entries.length = 0;
    story.turn = undefined;
    socket().cut();
    await clock.advance(SECOND);
    const second = await open('lane-2');
    expect(second.sentOf('revoke')).toEqual([]);
    expect(await read).toEqual(['EVENTS_EXPIRED']);
  });

  it('of two equal requests one frame is sent, whose answer both get', async () => {
    const { chat, open } = givenChat();
    const socket = await open();
    const both = Promise.all([chat.sessions.list(), chat.sessions.list()]);
    await new Promise(setImmediate);
    expect(socket.sentOf('sessions')).toHaveLength(1);
    socket.deliver({ type: 'sessions', sessions: [], next: 'cursor' });
    expect(await both).toEqual(Array(2).fill({ sessions: [], next: 'cursor' }));
  });

  it('the answer to a page of an export that was asked for twice is not the next page', async () => {
    const { chat, clock, open } = givenChat();
    const socket = await open();
    const pieces: string[] = [];
    const all = (async () => {
      for await (const piece of chat.sessions.export('x')) pieces.push(piece);
    })();
    const page: ServerFrame = { type: 'export', session_id: 'x', data: 'a', next: '1' };
    await clock.advance(0);
    socket.deliver(page);
    await clock.advance(0);
    socket.deliver(page, { type: 'export', session_id: 'x', data: 'b', after: '1' });
    await all;
    expect(pieces).toEqual(['a', 'b']);
  });

  it('a provisional name is asked for as one', async () => {
    const { chat, open } = givenChat();
    const socket = await open();
    void chat.sessions.rename('x', 'Trip', { provisional: true });
    expect(socket.sentOf('rename')).toEqual([
      { type: 'rename', session_id: 'x', name: 'Trip', provisional: true },
    ]);
  });
});

it('who listens hears of changes alone, until that is ended', async () => {
  const { chat, open } = givenChat();
  const socket = await open();
  let heard = 0;
  const leave = chat.transcript.subscribe(() => (heard += 1));
  const before = chat.transcript.getSnapshot();
  socket.deliver({ type: 'pong' }, { type: 'renamed', session_id: 'other', name: 'Trip' });
  expect([heard, chat.transcript.getSnapshot()]).toEqual([0, before]);
  socket.deliver({ type: 'renamed', session_id: 's', name: 'Trip' });
  expect(heard).toBe(1);
  leave();
  socket.deliver({ type: 'renamed', session_id: 's', name: 'Trips' });
  expect(heard).toBe(1);
});

describe('pages', () => {
  it('of the running turn alone are passed over at once: its events tell it', async () => {
    const { chat, clock, open, begin, story } = givenChat({ historyPage: 1 });
    begin('u1', 'one');
    story.end('done');
    begin('u2', 'two');
    const socket = await open();
    socket.deliver(...story.events.slice(-3));
    let page = last(socket.sentOf('history'));
    const asked = [page?.before];
    const loaded = chat.history();
    socket.deliver(story.page({ limit: 1 }));
    page = last(socket.sentOf('history'));
    asked.push(page?.before);
    socket.deliver(story.page({ limit: 1, before: page?.before }));
    expect(await loaded).toBe(true);
    expect(asked).toEqual([undefined, 4]);
    expect(chat.transcript.getSnapshot().items.map((item) => item.kind)).toEqual([
      'turn_end',
      'user',
      'text',
    ]);
    await clock.advance(0);
    expect(socket.sentOf('history')).toHaveLength(2);
  });
});

describe('an agent', () => {
  it('that is chosen without a connection is asked for when there is one', async () => {
    const { chat, clock, open, sockets } = givenChat();
    await open();
    chat.disconnect();
    chat.chooseAgent('sales');
    await clock.advance(MINUTE);
    expect(sockets).toHaveLength(1);
    chat.connect();
    const socket = await open();
    expect(socket.sentOf('connect')[0]).toMatchObject({ agent: 'sales' });
  });
});

it('P1: a message that was refused and is taken in all the same, by a repeat, says so', async () => {
  const { chat, open, begin } = givenChat();
  const socket = await open();
  const message = chat.send('hello');
  socket.deliver(refusal('STEERING_QUEUE_FULL', { id: message.id }));
  expect(await message.settled).toMatchObject({ status: 'rejected' });
  socket.deliver(...begin(message.id));
  expect(message.state).toEqual({ status: 'applied', turnId: 'turn-1', step: 1 });
});

it('a session without an id has one of the host, and each a different one', () => {
  const { platform, WebSocket } = givenChat();
  const id = () => givenChat({ sessionId: undefined as never, platform, WebSocket }).chat.sessionId;
  expect([id(), id()]).toEqual(['m1', 'm2']);
});

it('P9: after a long silence, a missing event is asked for as soon as at first', () => {
  const catchUp = new CatchUp();
  const activeTurn = { turnId: 't', step: 1, startedAt: 0, stopping: false };
  const running = { ...initialState('s'), cursor: 7, heard: 7, activeTurn };
  let now = 0;
  for (let silent = 0; silent < 6; silent++) {
    now = catchUp.nextDue(running);
    expect(catchUp.isDue(running, now)).toBe(true);
    catchUp.asked(7, now);
    catchUp.answered(7);
  }
  expect(catchUp.nextDue({ ...running, heard: 9 }) - now).toBeLessThanOrEqual(4 * SECOND);
});

describe('readers of events', () => {
  /** Events of turns, one after the other, each with a text. */
  function turns(count: number): Story {
    const story = new Story();
    for (let n = 1; n <= count; n++) {
      story.begin([`u${n}`]);
      story.takeIn([{ id: `u${n}`, content: 'hello' }], 1);
      story.end('done');
    }
    return story;
  }

  it('get those of the last two turns, if these began here, and of no other one', async () => {
    const { chat, open } = givenChat();
    const socket = await open();
    socket.deliver(...turns(3).events);
    expect(chat.turn('turn-1')).toBeUndefined();
    for (const turn of ['turn-2', 'turn-3'])
      expect(await readAll(chat.turn(turn) ?? chat.events())).toEqual(['turn_start', 'applied', 'done']);
    expect(chat.turn('turn-4')).toBeUndefined();
    const log = new EventLog();
    log.add(turns(1).events.slice(1));
    expect(log.has('turn-1')).toBe(false);
  });

  it('P9: get each event once and in order, also those that had to wait for an earlier one', async () => {
    const { chat, open } = givenChat();
    const socket = await open();
    const seen: number[] = [];
    const reading = (async () => {
      for await (const { seq } of chat.events()) seen.push(seq);
    })();
    const { events } = turns(2);
    const second = events.splice(1, 1);
    socket.deliver(...events, ...events);
    socket.deliver(...second);
    await new Promise(setImmediate);
    chat.close();
    await expect(reading).rejects.toMatchObject({ code: 'CLOSED' });
    expect(seen).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it('P9: get also those that had come before the gap was told after which they are shown', async () => {
    const { events } = turns(4);
    const seqs = async (given: AsyncIterable<EventFrame> | undefined) => {
      const seen: number[] = [];
      for await (const { seq } of given ?? []) seen.push(seq);
      return seen;
    };
    const missed = givenChat();
    const socket = await missed.open();
    socket.deliver(...events.slice(0, 2), ...events.slice(6));
    socket.deliver({ type: 'history_gap', after_seq: 2, available_from: 7 });
    expect(await seqs(missed.chat.turn('turn-3'))).toEqual([7, 8, 9]);
    expect(await seqs(missed.chat.turn('turn-4'))).toEqual([10, 11, 12]);
  });

  it('can begin to read the running turn before its first event has come', async () => {
    const { chat, open, begin, story } = givenChat();
    begin('u1', 'so far');
    const socket = await open();
    const events = chat.turn();
    story.end('done');
    socket.deliver(...story.events);
    expect(events && (await readAll(events))).toEqual(['turn_start', 'applied', 'chunk', 'done']);
  });

  it('of a message are not ended by the failure of the turn before its own', async () => {
    const { chat, open, story } = givenChat();
    const socket = await open();
    const { id, events } = chat.send('after it', { delivery: 'queue' });
    const read = readAll(events());
    story.begin(['u1']);
    story.takeIn([{ id: 'u1', content: 'hello' }], 1);
    story.end('error');
    story.begin([id]);
    story.takeIn([{ id, content: 'after it' }], 1);
    story.end('done');
    socket.deliver(accepted(id), ...story.events);
    expect(await read).toEqual(['applied', 'done']);
  });

  it('get what had come before the end of the stream, then the first reason of its end', async () => {
    const [event] = turns(1).events;
    if (!event) throw new Error('There is an event.');
    const left: EventStream[] = [];
    const stream = new EventStream([event], (one) => left.push(one));
    stream.push(event);
    stream.end(new Error('first'));
    stream.end(new Error('second'));
    stream.end();
    expect([await stream.next(), await stream.next()]).toEqual(Array(2).fill({ done: false, value: event }));
    expect(left).toEqual([]);
    await expect(stream.next()).rejects.toThrow('first');
    expect(left).toEqual([stream]);
  });

  it('that leave are forgotten, and get nothing more, also while they wait', async () => {
    const [event] = turns(1).events;
    if (!event) throw new Error('There is an event.');
    const left: EventStream[] = [];
    const stream = new EventStream([event], (one) => left.push(one));
    await stream.next();
    const waiting = stream.next();
    await stream.return();
    stream.push(event);
    expect(left.length).toBeGreaterThan(0);
    expect(await waiting).toEqual({ done: true, value: undefined });
    const unread = new EventStream([event, event], (one) => left.push(one));
    await unread.return();
    expect(left.at(-1)).toBe(unread);
    expect(await unread.next()).toEqual({ done: true, value: undefined });
  });
});
