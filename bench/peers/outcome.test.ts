import { describe, expect, it } from 'vitest';
import type { ChatMessage } from '../../test/support/model-server.ts';
import { held, kept, outcomeOf, Screen, saidTwice, thoughtsOf } from './outcome.ts';
import { CAREFUL, hasThoughts, MESSAGE, PING, replyTo, STEERING, WORDS, wordAt, wordsIn } from './script.ts';

const words = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, n) => wordAt(from + n)).join('');
const whole = words(0, WORDS);
const ask = (...messages: ChatMessage[]) => replyTo({ model: 'm', stream: true, messages });
const user = (content: string): ChatMessage => ({ role: 'user', content });
const assistant = (content: string): ChatMessage => ({ role: 'assistant', content });
const result: ChatMessage = { role: 'tool', tool_call_id: 'c', content: '{}' };
const spoken = ({ words }: ReturnType<typeof replyTo>) => wordsIn(words.join(''));

describe('what became of an answer', () => {
  it('is whole when every word is there once', () => {
    expect(held(whole)).toEqual({ missing: 0, repeated: 0 });
  });

  it('counts words that are missing and words that are there again', () => {
    expect(held(words(0, 10) + words(5, WORDS - 3))).toEqual({ missing: 3, repeated: 5 });
    expect(held('')).toEqual({ missing: WORDS, repeated: 0 });
  });

  it('keeps what was shown up to the first character that differs', () => {
    expect(kept('abc', 'abcd')).toBe(3);
    expect(kept('abc', 'abX')).toBe(2);
    expect(kept('abc', '')).toBe(0);
  });

  it('tells the screen of the client from that of somebody who loads the conversation anew', () => {
    expect(outcomeOf(words(0, 9), words(0, 9) + words(20, WORDS), whole)).toMatchObject({
      shown: 27,
      kept: 27,
      missing: 11,
      repeated: 0,
      missingAfterReload: 0,
    });
  });
});

describe('what a retry takes back', () => {
  const afterLooks = (...looks: readonly (readonly [at: number, text: string])[]) => {
    const screen = new Screen(words(0, 10));
    for (const [at, text] of looks) screen.look(text, at);
    return screen.wordsTakenBack;
  };

  it('is every shown word that is gone for as long as an eye sees it, also if it comes again', () => {
    expect(afterLooks([0, words(0, 4)], [60, words(0, 6)], [70, words(0, 10)])).toBe(4);
  });

  it('is none where a client only draws its text anew', () => {
    expect(afterLooks([0, ''], [40, words(0, 10)], [45, ''], [90, words(0, 20)])).toBe(0);
  });

  it('is also a word that stands there a second time', () => {
    expect(afterLooks([0, words(0, 10) + words(8, 12)])).toBe(2);
  });

  it('is paid for by the tokens that the model says again, whether they were shown or not', () => {
    expect(saidTwice([' r1-0', ' t1', ' t2'], [' r1-0', ' t2', ' t3'])).toBe(2);
  });

  it('takes thoughts with it only where they were sent before', () => {
    expect([thoughtsOf(true, true), thoughtsOf(true, false)]).toEqual(['kept', 'lost']);
    expect([thoughtsOf(false, false), thoughtsOf(true, undefined)]).toEqual(['not sent', 'no call']);
  });
});

describe('the scripted model', () => {
  it('says all words of the reference turn in three calls with two tools', () => {
    const first = ask(user(MESSAGE));
    const second = ask(user(MESSAGE), assistant(words(0, 167)), result);
    const third = ask(user(MESSAGE), assistant(words(0, 167)), result, assistant(words(167, 334)), result);
    expect([first, second, third].flatMap(spoken)).toEqual(wordsIn(whole));
    expect([first, second, third].map(({ toolCalls = [] }) => toolCalls.length)).toEqual([1, 1, 0]);
  });

  it('goes on after what the prompt says that it said', () => {
    expect(spoken(ask(user(MESSAGE), assistant(words(0, 100)))).at(0)).toBe(100);
    expect(spoken(ask(user(MESSAGE), assistant(words(0, 100)))).at(-1)).toBe(166);
  });

  it('calls its tool again when only the call was lost', () => {
    const { words: said, toolCalls } = ask(user(MESSAGE), assistant(words(0, 167)));
    expect(said).toEqual([]);
    expect(toolCalls).toHaveLength(1);
  });

  it('thinks in each call where it is asked to, and knows its thoughts again by the call of a tool', () => {
    const { thinking = [] } = ask(user(CAREFUL));
    expect(ask(user(MESSAGE)).thinking).toBeUndefined();
    const called = (thoughts: object): ChatMessage => ({
      role: 'assistant',
      tool_calls: [{ id: 'c', function: { name: 'wait', arguments: '{}' } }],
      ...thoughts,
    });
    const seen = (...messages: ChatMessage[]) => hasThoughts({ model: 'm', stream: true, messages });
    expect(seen(user(CAREFUL))).toBeUndefined();
    expect(seen(user(CAREFUL), called({ reasoning_content: thinking.join('') }))).toBe(true);
    expect(seen(user(CAREFUL), called({}))).toBe(false);
  });

  it('answers late steering, and a ping, with words that are not of the reference turn', () => {
    const late = ask(user(MESSAGE), assistant(whole), user(STEERING));
    expect(late.words.length).toBeGreaterThan(0);
    expect(spoken(late)).toEqual([]);
    expect(spoken(ask(user(PING)))).toEqual([]);
  });
});
