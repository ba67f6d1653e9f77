import { describe, expect, it } from 'vitest';
import { EventLog } from './event-log.ts';
import { type EventFrame, MessageCancelledError, MessageRejectedError, TurnFailedError } from './index.ts';
import type { ServerFrame } from './protocol.ts';
import { givenChat, SECOND } from './testing/given-chat.ts';
import { last } from './testing/last.ts';

describe('stream', () => {
  it('P9: a hole is asked for at once, and again only if that brought nothing', async () => {
    const { chat, clock, open, begin } = givenChat();
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
    expect(last(chat.transcript.getSnapshot().items)).toMatchObject({ content: 'one two three' });
  });

  it('P9: an event of a newer server is passed over, and what follows is shown', async () => {
    const { chat, clock, open, begin } = givenChat();
    const socket = await open();
    const events = begin('u1', 'one ', 'two ', 'three');
    const news = { ...events[3], type: 'of the future', content: undefined };
    for (const event of events) socket.deliverText(JSON.stringify(event.seq === 4 ? news : event));
    await clock.advance(5 * SECOND);
    expect(socket.sentOf('connect')).toHaveLength(1);
    expect(last(chat.transcript.getSnapshot().items)).toMatchObject({ content: 'one three' });
  });

  it('the last event lost: silence is asked about', async () => {
    const { chat, clock, open, begin, story } = givenChat();
    const socket = await open();
    socket.deliver(...begin('u1', 'all'));
    story.end('done');
    await clock.advance(16 * SECOND);
    expect(last(socket.sentOf('connect'))?.resume).toEqual({ lane: 'lane-1', after_seq: 3 });
    socket.deliver(story.sessionStart('lane-1'), ...story.events.slice(3), {
      type: 'connected',
      message: '',
    });
    expect(chat.transcript.getSnapshot().activeTurn).toBeUndefined();
  });

  it('a reload in mid-answer: history without the running turn, and its events from the start', async () => {
    const first = givenChat();
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
      'turn_end',
      'hello',
      'two ',
    ]);
    expect(activeTurn).toMatchObject({ turnId: 'turn-2', startedAt: 1 });
    expect(socket().sentOf('connect')).toHaveLength(2);
  });

  it('is ready when the page and all of the running turn are here, and not before', async () => {
    const { chat, clock, open, begin, story } = givenChat();
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
    const closed = givenChat();
    const never = closed.chat.ready();
    closed.chat.close();
    await expect(never).rejects.toMatchObject({ code: 'CLOSED' });
  });

  it('older pages on demand', async () => {
    const { chat, open, begin, story } = givenChat({ historyPage: 3 });
    for (const id of ['u1', 'u2']) {
      begin(id, id);
      story.end('done');
    }
    const socket = await open();
    socket.deliver(story.page({ limit: 3 }));
    expect(chat.transcript.getSnapshot().history).toEqual({ status: 'loaded', more: true });
    const page = chat.history();
    expect(last(socket.sentOf('history'))).toEqual({ type: 'history', limit: 3, before: 4 });
    socket.deliver(story.page({ limit: 3, before: 4 }));
    expect(await page).toBe(false);
    expect(chat.transcript.getSnapshot().items).toHaveLength(6);
    expect(await chat.history()).toBe(false);
  });

  it('a server that lost the session starts it anew here too', async () => {
    const { chat, clock, open, begin, story, socket } = givenChat();
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
    const { chat, open, begin, errors } = givenChat();
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

describe("a message's events", () => {
  async function typesOf(events: AsyncIterable<EventFrame>): Promise<string[]> {
    const types: string[] = [];
    for await (const event of events) types.push(event.type);
    return types;
  }

  it('begin where it was taken in and end with the turn, for the first as for a steering message', async () => {
    const { chat, open, story } = givenChat();
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
    const { chat, open, begin, story } = givenChat();
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
    const { chat, open, begin, story } = givenChat();
    const socket = await open();
    const { id, events } = chat.send('one');
    const read = typesOf(events());
    socket.deliver(...begin(id, 'partial'));
    story.end('error');
    socket.deliver(...story.events.slice(-1));
    await expect(read).rejects.toBeInstanceOf(TurnFailedError);
    await expect(read).rejects.toMatchObject({ code: 'PROVIDER_ERROR', fullResponse: 'partial' });
  });

  it('fail when the budget is spent, and say when the next one begins', async () => {
    const { chat, open, begin, story } = givenChat();
    const socket = await open();
    const { id, events } = chat.send('one');
    const read = typesOf(events());
    socket.deliver(...begin(id, 'partial'));
    const spent = { code: 'BUDGET_EXCEEDED', message: 'spent', terminal: true, retryable: true } as const;
    story.add({ type: 'error', ...spent, until: 86_400_000, full_response: 'partial' });
    socket.deliver(...story.events.slice(-1));
    await expect(read).rejects.toMatchObject({ code: 'BUDGET_EXCEEDED', until: 86_400_000 });
  });

  it('fail as the message fails', async () => {
    const { chat, open } = givenChat();
    const socket = await open();
    const refused = typesOf(chat.send('one').events());
    const withdrawn = typesOf(chat.send('two').events());
    const refusal: ServerFrame = {
      type: 'error',
      code: 'BUDGET_EXCEEDED',
      message: 'spent',
      terminal: false,
      retryable: true,
      id: 'm1',
      until: 86_400_000,
    };
    socket.deliver(refusal, { type: 'cancelled', ids: ['m2'], reason: 'withdrawn' });
    await expect(refused).rejects.toBeInstanceOf(MessageRejectedError);
    await expect(refused).rejects.toMatchObject({ code: 'BUDGET_EXCEEDED', until: 86_400_000 });
    await expect(withdrawn).rejects.toBeInstanceOf(MessageCancelledError);
  });
});

it.each([
  ['events were missed', (log: EventLog) => log.breakOff(), 'EVENTS_EXPIRED'],
  ['the chat is closed', (log: EventLog) => log.close(), 'CLOSED'],
])('P9: where %s, readers are told so, and a later one gets nothing of before', async (_, end, code) => {
  const log = new EventLog();
  const events = givenChat().begin('u1', 'one ');
  log.add(events);
  const [turnId] = events.map(({ turn_id }) => turn_id);
  const reader = log.ofTurn(turnId ?? '');
  expect((await reader.next()).value).toEqual(events[0]);
  end(log);
  const rest = (async () => {
    for await (const _ of reader);
  })();
  await expect(rest).rejects.toMatchObject({ code });
  expect(log.has(turnId ?? '')).toBe(false);
});
