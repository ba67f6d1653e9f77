import { describe, expect, it, test } from 'vitest';
import { CONTINUE_REQUEST, FILES_OF_TOOLS, IMAGE_NOTE } from '../../core/events/prompt.ts';
import type { PromptMessage } from '../../core/model.ts';
import { around } from '../../test/support/text.ts';
import { type PromptForm, toModelMessages } from './prompt.ts';
import { withInstructions, withNotes } from './system-prompt.ts';

type UserContent = Extract<PromptMessage, { role: 'user' }>['content'];

const shown = (content: UserContent, form: PromptForm = {}) =>
  toModelMessages([{ role: 'user', content }], form)[0]?.content;
const url = { type: 'image', url: 'https://images.test/a.png' } as const;
const inline = { type: 'image', media_type: 'image/png', data: 'QUJD' } as const;
const file = { type: 'file', file: 'f1', media_type: 'application/pdf', size: 3, name: 'a.pdf' } as never;
const text = (words: string) => ({ type: 'text' as const, text: words });
const call = (id: string, args: unknown = {}) => ({ id, name: 'look', args: args as never });

describe('what a user sent', () => {
  it('is shown in its order, without texts of nothing', () => {
    const parts = shown([text('One.'), text(' \n'), inline, text(' Two.')]);
    expect(parts).toEqual([
      text('One.'),
      { type: 'file', mediaType: 'image/png', data: { type: 'data', data: 'QUJD' } },
      text(' Two.'),
    ]);
  });

  it('is an image by its address or its bytes, as the provider takes it: a note stands for another', () => {
    const linked = { type: 'file', mediaType: 'image', data: { type: 'url', url: new URL(url.url) } };
    const bytes = { type: 'file', mediaType: 'image/png', data: { type: 'data', data: 'QUJD' } };
    expect(shown([url, inline], { images: 'all' })).toEqual([linked, bytes]);
    expect(shown([url, inline], { images: 'inline' })).toEqual([text(IMAGE_NOTE), bytes]);
  });

  it('is a file with its bytes and its name, where the provider takes them', () => {
    const bytes = new Map<string, string>([['f1', 'QUJD']]);
    const given = { type: 'file', mediaType: 'application/pdf', data: { type: 'data', data: 'QUJD' } };
    const files = { types: /pdf/, named: true, inResults: true };
    expect(shown([file], { bytes, files })).toEqual([{ ...given, filename: 'a.pdf' }]);
    expect(shown([file], { bytes, files: { ...files, named: false } })).toEqual([given]);
    for (const [form, why] of [
      [{ bytes, files: { ...files, types: /^image/ } }, 'cannot load it'],
      [{ files }, 'it has expired'],
      [{ files, bytes: new Map([['f1', 'gone' as const]]) }, 'it has expired'],
      [{ files, bytes: new Map([['f1', 'large' as const]]) }, 'no room'],
    ] as const)
      expect(shown([file], form)).toEqual([
        text(expect.stringMatching(`The user attached.*"a.pdf".*${why}`)),
      ]);
  });
});

describe('an answer', () => {
  const prompt = (messages: PromptMessage[], form?: PromptForm) => toModelMessages(messages, form);

  it('has an aside and its metadata, and only objects as arguments', () => {
    const meta = { anthropic: { signature: 's' } };
    const verbatim = { model: 'p:m', parts: [{ text: 1, meta }, { text: 3 }] };
    const [answer] = prompt([
      {
        role: 'assistant',
        text: ' Hi.',
        calls: [call('a', [1]), call('b', null), call('c', 'x'), call('d', { n: 1 })],
        verbatim,
        aside: ['Seen.', 'Read.'],
      },
      { role: 'tool', results: [] },
    ]);
    expect(answer?.content).toEqual([
      { ...text(' '), providerOptions: meta },
      text('Hi.'),
      text('[Seen.\nRead.]'),
      ...[{ invalid_arguments: [1] }, { invalid_arguments: null }, { invalid_arguments: 'x' }, { n: 1 }].map(
        (input, i) => ({
          type: 'tool-call',
          toolCallId: 'abcd'[i],
          toolName: 'look',
          input,
        }),
      ),
    ]);
  });

  it('is joined with what goes on with it, unless it has calls or its provider gave it part by part', () => {
    const said = (words: string, more: object = {}) => ({
      role: 'assistant' as const,
      text: words,
      calls: [],
      ...more,
    });
    const roles = (messages: PromptMessage[]) => prompt(messages, { asksToGoOn: false }).length;
    expect(roles([said('On'), said('ce')])).toBe(1);
    expect(
      roles([said('On'), said('ce', { verbatim: { model: 'p:m', parts: [{ text: 2, meta: { p: {} } }] } })]),
    ).toBe(2);
    expect(roles([said('On', { calls: [call('a')] }), said('ce')])).toBe(2);
  });

  it('that stands last is followed by the request to go on, unless nobody is to go on', () => {
    const messages: PromptMessage[] = [{ role: 'assistant', text: 'On', calls: [] }];
    expect(prompt(messages).at(-1)).toEqual({ role: 'user', content: CONTINUE_REQUEST });
    expect(prompt(messages, { asksToGoOn: false })).toHaveLength(1);
  });

  it('P13: has ids of at most 64 characters where they must be plain, each of one call', () => {
    const sent = (ids: string[]) =>
      prompt(
        [
          { role: 'assistant', text: '', calls: ids.map((id) => call(id)) },
          { role: 'tool', results: [] },
        ],
        { callIds: 'plain' },
      )
        .flatMap(({ content }): object[] => (Array.isArray(content) ? [...content] : []))
        .flatMap((part) => ('toolCallId' in part ? [part.toolCallId] : []));
    const [below, at, above] = around(64).map((length) => 'x'.repeat(length));
    expect(sent([below ?? '', at ?? '', above ?? ''])).toEqual([
      below,
      at,
      expect.stringMatching(/^[\w-]{1,64}$/),
    ]);
    const odd = Array.from({ length: 500 }, (_, i) => `functions.look:${i}`);
    expect(new Set(sent(odd)).size).toBe(500);
  });
});

test('files behind the results of tools are those of tools, and say so where they are not given', () => {
  const results = [
    { id: 'a', name: 'look', output: 'x', isError: false, shown: { type: 'content', value: [file] } },
  ];
  const messages: PromptMessage[] = [
    { role: 'assistant', text: '', calls: [call('a')] },
    { role: 'tool', results },
  ];
  const [, , beside] = toModelMessages(messages, {
    files: { types: /^image/, named: true, inResults: false },
  });
  expect(beside?.content).toEqual([
    text(FILES_OF_TOOLS),
    text(expect.stringContaining('The tool gave a file')),
  ]);
});

describe('instructions', () => {
  const system = (content: string, more = {}) => ({ role: 'system' as const, content, ...more });

  it('are followed by the notes of a call, and keep the options of a provider', () => {
    expect(withNotes('Be brief.', [])).toBe('Be brief.');
    expect(withNotes('Be brief.', ['One.', 'Two.'])).toBe('Be brief.\nOne.\nTwo.');
    expect(withNotes('', ['One.'])).toBe('One.');
    const own = system('Be brief.', { providerOptions: { house: {} } });
    expect(withNotes(own, [])).toEqual([own]);
    expect(withNotes([own, system('Be kind.')], ['One.'])).toEqual([own, system('Be kind.'), system('One.')]);
  });

  it('begin the first message for a model that takes none of their own', () => {
    const user = (content: never) => ({ role: 'user' as const, content });
    expect(withInstructions('Be brief.', [user('Hi' as never)])).toEqual([user('Be brief.\n\nHi' as never)]);
    expect(withInstructions('Be brief.', [user([text('Hi')] as never)])).toEqual([
      user([text('Be brief.'), text('Hi')] as never),
    ]);
    const said = { role: 'assistant' as const, content: 'Hi' };
    expect(withInstructions('Be brief.', [said])).toEqual([{ role: 'user', content: 'Be brief.' }, said]);
    expect(withInstructions('Be brief.', [])).toEqual([{ role: 'user', content: 'Be brief.' }]);
    expect(withInstructions('', [said])).toEqual([said]);
  });
});
