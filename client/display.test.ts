import { describe, expect, it } from 'vitest';
import { argumentsText } from './approval.ts';
import { contentBytes } from './content.ts';
import { answerQuestion, type Question, questionsOf, receiveQuestion } from './elicitation.ts';
import { endingNote } from './ending-note.ts';
import { type EventOf, readFrame } from './protocol.ts';
import { initialState } from './state.ts';
import { givenChat, limited, SECOND } from './testing/given-chat.ts';
import { beginningOf, TextPlayer } from './text-player.ts';

describe('questions', () => {
  const turn = { turn_id: 't1', request_id: 'r1' };
  const asked: EventOf<'elicitation_request'> = {
    type: 'elicitation_request',
    seq: 1,
    ...turn,
    tool_call_id: 'c1',
    tool: 'books_borrow',
    server: 'books',
    mode: 'url',
    message: 'Sign in.',
    url: 'https://books.test/',
    timeout_secs: 60,
    at: 5,
  };
  const question: Question = {
    requestId: 'r1',
    toolCallId: 'c1',
    tool: 'books_borrow',
    server: 'books',
    message: 'Sign in.',
    fields: [],
    url: 'https://books.test/',
    timeoutSeconds: 60,
    askedAt: 5,
  };
  const resolved = {
    ...turn,
    type: 'elicitation_resolved',
    seq: 2,
    action: 'cancel',
    reason: 'timeout',
  } as const;

  it('have all that the server asked, also when they are resolved; what was not asked is not known', () => {
    const known = new Map<string, Question>();
    expect(receiveQuestion(known, resolved)).toBeUndefined();
    expect(receiveQuestion(known, asked)).toEqual(question);
    expect(receiveQuestion(known, resolved)).toEqual({
      ...question,
      resolved: { action: 'cancel', reason: 'timeout' },
    });
    expect(known.size).toBe(1);
  });

  it('are answered again when the server refuses the answer for its rate', async () => {
    const { chat, clock, open } = givenChat();
    const socket = await open();
    const taken = answerQuestion(chat, 'r1', { action: 'accept' });
    socket.deliver(limited(2 * SECOND, 'r1'));
    await clock.advance(2 * SECOND);
    expect(socket.sentOf('elicitation_answer')).toHaveLength(2);
    socket.deliver({ type: 'elicitation_answer', id: 'r1', action: 'accept' });
    expect(await taken).toBe(true);
  });

  it('leave nothing behind when nobody listens any more', async () => {
    const state = {
      ...initialState('s'),
      activeTurn: { turnId: 't1', step: 1, startedAt: 0, stopping: false },
    };
    const listeners = new Set<() => void>();
    let give = (_: typeof asked) => {};
    const heard: number[] = [];
    const questions = questionsOf({
      transcript: {
        getSnapshot: () => state,
        subscribe: (listener) => {
          listeners.add(listener);
          return () => listeners.delete(listener);
        },
      },
      turn: async function* () {
        yield await new Promise<typeof asked>((resolve) => (give = resolve));
      },
    });
    const leave = questions.subscribe(() => heard.push(questions.getSnapshot().length));
    await new Promise(setImmediate);
    leave();
    leave();
    give(asked);
    await new Promise(setImmediate);
    expect([heard, listeners.size, questions.getSnapshot()]).toEqual([[], 0, []]);
  });
});

describe('text for people', () => {
  it('comes to its end whatever it is asked, and a length that is the same changes nothing', () => {
    const [asked, quiet] = [new TextPlayer(), new TextPlayer()];
    for (const player of [asked, quiet]) {
      player.came(3, 0);
      player.came(30, 100);
    }
    for (let now = 100; now < 400; now += 16) {
      asked.came(30, now);
      expect(asked.shown(now)).toBe(quiet.shown(now));
    }
    expect(quiet.isBehind).toBe(false);
  });

  it.each([
    [1500, true],
    [1501, false],
  ])('%i characters at once are played: %s', (length, isPlayed) => {
    const player = new TextPlayer();
    player.came(length, 0);
    expect(player.shown(0) < length).toBe(isPlayed);
  });

  it('after a pause is played as at first, and the end does not slow it', () => {
    const after = (pause: number) => {
      const player = new TextPlayer();
      player.came(10, 0);
      player.came(20, 400);
      player.came(30, 400 + pause);
      let end = 400 + pause;
      while (player.shown(end) < 30) end += 1;
      return end - 400 - pause;
    };
    expect(after(501)).toBeLessThan(after(500));
    const player = new TextPlayer();
    player.came(1000, 0);
    player.end(170);
    expect(player.shown(180)).toBe(1000);
  });

  it('is cut between code points where what belongs together is too long', () => {
    const text = `a${'\u0301'.repeat(60)}😀`;
    expect(beginningOf(text, 50)).toBe(text.slice(0, 50));
    expect(beginningOf(text, 62)).toBe(text.slice(0, 61));
    expect(beginningOf('ab', 1)).toBe('a');
  });

  it('shows characters of the arguments that would hide others, and the summary where there are none', () => {
    expect(argumentsText({ arguments: { a: 'x\u202ey' }, summary: '' })).toBe('{\n  "a": "x\\u202ey"\n}');
    expect(argumentsText({ arguments: undefined, summary: 'short' })).toBe('short');
    expect(argumentsText({ arguments: null, summary: 'short' })).toBe('null');
  });

  it('says how an answer ended that did not end as it should', () => {
    const notes = [undefined, 'stop', 'length', 'content_filter', 'refusal', 'new'].map(endingNote);
    expect(notes.slice(0, 2)).toEqual([undefined, undefined]);
    expect(new Set(notes.slice(2)).size).toBe(4);
    expect(notes.slice(2).every(Boolean)).toBe(true);
  });

  it('is counted in bytes, at each border of UTF-8', () => {
    for (const code of [
      0x7f, 0x80, 0x7ff, 0x800, 0xd7ff, 0xd800, 0xdbff, 0xdc00, 0xdfff, 0xe000, 0xffff, 0x10000, 0x10ffff,
    ]) {
      const text = String.fromCodePoint(code);
      expect([code, contentBytes(text)]).toEqual([code, Buffer.byteLength(JSON.stringify(text))]);
    }
  });
});

it.each([
  ['null', false],
  ['7', false],
  ['[]', false],
  ['{}', false],
  ['{"type":7}', false],
  ['{"type":"new"}', true],
  ['{"type":"new","seq":1}', false],
  ['{"type":"new","seq":1.5,"turn_id":"t"}', false],
  ['{"type":"new","seq":"1","turn_id":"t"}', false],
  ['{"type":"new","seq":1,"turn_id":"t"}', true],
])('%s is a frame: %s', (text, isFrame) => {
  expect(readFrame(text)).toEqual(isFrame ? JSON.parse(text) : undefined);
});
