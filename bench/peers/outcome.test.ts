import { describe, expect, it } from 'vitest';
import type { ChatMessage } from '../../test/support/model-server.ts';
import { held, kept, outcomeOf } from './outcome.ts';
import { MESSAGE, PING, replyTo, STEERING, WORDS, wordAt, wordsIn } from './script.ts';

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

  it('answers late steering, and a ping, with words that are not of the reference turn', () => {
    const late = ask(user(MESSAGE), assistant(whole), user(STEERING));
    expect(late.words.length).toBeGreaterThan(0);
    expect(spoken(late)).toEqual([]);
    expect(spoken(ask(user(PING)))).toEqual([]);
  });
});
