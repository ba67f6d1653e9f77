import { describe, expect, test } from 'vitest';
import type { PromptMessage } from '../../core/model.ts';
import { CONTINUE_REQUEST, toModelMessages } from './prompt.ts';

const user = (content: string): PromptMessage => ({ role: 'user', content });
const said = (text: string): PromptMessage => ({ role: 'assistant', text, calls: [] });

describe('toModelMessages', () => {
  test('keeps the order, and user messages apart', () => {
    expect(toModelMessages([user('first'), said('draft'), user('second'), user('third')])).toEqual([
      { role: 'user', content: 'first' },
      { role: 'assistant', content: [{ type: 'text', text: 'draft' }] },
      { role: 'user', content: 'second' },
      { role: 'user', content: 'third' },
    ]);
  });

  test('pairs calls with their results, errors marked as such (P13)', () => {
    const prompt = toModelMessages([
      user('go'),
      {
        role: 'assistant',
        text: '',
        calls: [
          { id: 'a', name: 'wait', args: { seconds: 1 } },
          { id: 'b', name: 'wait', args: 'not an object' },
        ],
      },
      {
        role: 'tool',
        results: [
          { id: 'a', name: 'wait', output: { waited_seconds: 1 }, isError: false },
          { id: 'b', name: 'wait', output: 'The arguments do not fit.', isError: true },
        ],
      },
    ]);
    expect(prompt.slice(1)).toEqual([
      {
        role: 'assistant',
        content: [
          { type: 'tool-call', toolCallId: 'a', toolName: 'wait', input: { seconds: 1 } },
          {
            type: 'tool-call',
            toolCallId: 'b',
            toolName: 'wait',
            input: { invalid_arguments: 'not an object' },
          },
        ],
      },
      {
        role: 'tool',
        content: [
          {
            type: 'tool-result',
            toolCallId: 'a',
            toolName: 'wait',
            output: { type: 'json', value: { waited_seconds: 1 } },
          },
          {
            type: 'tool-result',
            toolCallId: 'b',
            toolName: 'wait',
            output: { type: 'error-text', value: 'The arguments do not fit.' },
          },
        ],
      },
    ]);
  });

  test('asks for the rest when the assistant has the last word, and says so the same way every time (P11)', () => {
    const messages = [user('tell'), said('Once upon a ti')];
    const prompt = toModelMessages(messages);
    expect(prompt.at(-1)).toEqual({ role: 'user', content: CONTINUE_REQUEST });
    expect(toModelMessages(messages)).toEqual(prompt);
  });

  test('joins a text with its continuation, so that no break shows', () => {
    expect(toModelMessages([user('tell'), said('Once upon a ti'), said('me.'), user('more')])).toEqual([
      { role: 'user', content: 'tell' },
      { role: 'assistant', content: [{ type: 'text', text: 'Once upon a time.' }] },
      { role: 'user', content: 'more' },
    ]);
  });

  test('leaves out an assistant message with nothing in it', () => {
    expect(toModelMessages([user('a'), said(''), user('b')])).toEqual([
      { role: 'user', content: 'a' },
      { role: 'user', content: 'b' },
    ]);
  });
});
