import type { AssistantModelMessage, ModelMessage } from 'ai';
import { describe, expect, test } from 'vitest';
import { CONTINUE_REQUEST } from '../../core/events/prompt.ts';
import type { PromptFiles, PromptMessage } from '../../core/model.ts';
import { type CallIds, type ShownFiles, toModelMessages, verbatimParts } from './prompt.ts';

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

  test('leaves out a text of nothing but white space, and asks for no rest of it', () => {
    const call = { id: 'a', name: 'wait', args: {} };
    expect(
      toModelMessages([
        user('a'),
        { role: 'assistant', text: '\n\n', calls: [call] },
        { role: 'tool', results: [{ id: 'a', name: 'wait', output: 'waited', isError: false }] },
        said(' \n'),
      ]).map(({ role, content }) => [role, content.length]),
    ).toEqual([
      ['user', 1],
      ['assistant', 1],
      ['tool', 1],
    ]);
  });

  test('keeps the white space around a text', () => {
    expect(toModelMessages([user('a'), said('\n said '), user('b')])[1]).toEqual({
      role: 'assistant',
      content: [{ type: 'text', text: '\n said ' }],
    });
  });

  test.each([
    ['', false, { type: 'json', value: '' }],
    [' \n', true, { type: 'error-json', value: ' \n' }],
    ['said', true, { type: 'error-text', value: 'said' }],
  ])('sends no empty text as the result of a tool: %j', (output, isError, sent) => {
    const [, , message] = toModelMessages([
      user('a'),
      { role: 'assistant', text: '', calls: [{ id: 'a', name: 'wait', args: {} }] },
      { role: 'tool', results: [{ id: 'a', name: 'wait', output, isError }] },
    ]);
    expect(message?.content).toMatchObject([{ output: sent }]);
  });

  describe('ids of calls', () => {
    const ids = ['functions.wait:0', 'functions.wait.0', 'toolu_1-a', 'x'.repeat(65)];
    const prompt: PromptMessage[] = [
      user('go'),
      { role: 'assistant', text: '', calls: ids.map((id) => ({ id, name: 'wait', args: {} })) },
      { role: 'tool', results: ids.map((id) => ({ id, name: 'wait', output: 'waited', isError: false })) },
    ];
    const sent = (index: number, callIds: CallIds) => {
      const content = toModelMessages(prompt, { callIds })[index]?.content;
      return Array.isArray(content)
        ? content.flatMap((part) => ('toolCallId' in part ? [part.toolCallId] : []))
        : [];
    };

    test('are plain where the provider takes no others, and still name one call each (P13)', () => {
      const plain = sent(1, 'plain');
      expect(plain.every((id) => /^[\w-]{1,64}$/.test(id))).toBe(true);
      expect(new Set(plain).size).toBe(ids.length);
      expect(plain[2]).toBe('toolu_1-a');
      expect(sent(2, 'plain')).toEqual(plain);
      expect(sent(1, 'plain'), 'the same every time (P11)').toEqual(plain);
    });

    test('are as they were where any will do', () => {
      expect([sent(1, 'any'), sent(2, 'any')]).toEqual([ids, ids]);
    });
  });
});

describe('a file of the session in the result of a tool', () => {
  const part = { type: 'file', file: 'f1', media_type: 'audio/wav', size: 4, name: 'a.wav' };
  const messages: PromptMessage[] = [
    { role: 'assistant', text: '', calls: [{ id: 'a', name: 'record', args: {} }] },
    {
      role: 'tool',
      results: [
        {
          id: 'a',
          name: 'record',
          output: part,
          isError: false,
          shown: { type: 'content', value: [{ type: 'text', text: 'A voice.' }, part] },
        },
      ],
    },
  ];
  const shownTo = (files: Partial<ShownFiles>, bytes?: PromptFiles) => {
    const [, ...shown] = toModelMessages(messages, {
      files: { types: /^/, named: true, inResults: true, ...files },
      bytes,
    });
    return shown;
  };
  const file = {
    type: 'file',
    mediaType: 'audio/wav',
    data: { type: 'data', data: 'QUJD' },
    filename: 'a.wav',
  };
  const result = (text: object) => ({
    role: 'tool',
    content: [
      {
        type: 'tool-result',
        toolCallId: 'a',
        toolName: 'record',
        output: { type: 'content', value: [{ type: 'text', text: 'A voice.' }, text] },
      },
    ],
  });
  const bytes = new Map([['f1', 'QUJD']]);

  test('is given there, with its bytes', () => {
    expect(shownTo({}, bytes)).toEqual([result(file)]);
  });

  test('follows the results where those of the provider have texts alone, and a note stands in its place', () => {
    const [results, beside] = shownTo({ inResults: false }, bytes);
    expect(results).toEqual(
      result({ type: 'text', text: expect.stringContaining('follows the results: "a.wav"') }),
    );
    expect(beside).toEqual({ role: 'user', content: [{ type: 'text', text: expect.any(String) }, file] });
  });

  test.each([
    ['of a type that the provider does not take', { types: /^image/ }, bytes, 'cannot load it'],
    ['that has expired', {}, undefined, 'it has expired'],
    ['that has no room', {}, new Map([['f1', 'large' as const]]), 'no room'],
  ])('%s is named, with the reason', (_, files, given, why) => {
    const note = {
      type: 'text',
      text: expect.stringMatching(`^.The tool gave a file.*"a.wav", audio/wav.*${why}`),
    };
    expect(shownTo(files, given)).toEqual([result(note)]);
  });
});

describe('an answer as its provider gave it', () => {
  const signature = { anthropic: { signature: 's' } };
  const content = [
    { type: 'reasoning', text: 'Hm.', providerOptions: signature },
    { type: 'text', text: 'One. ' },
    { type: 'reasoning', text: '', providerOptions: { anthropic: { redactedData: 'r' } } },
    { type: 'text', text: 'Two.', providerOptions: { openai: { itemId: 'msg_1' } } },
    { type: 'tool-call', toolCallId: 'srv', toolName: 'search', input: {}, providerExecuted: true },
    { type: 'tool-result', toolCallId: 'srv', toolName: 'search', output: { type: 'json', value: [1] } },
    {
      type: 'tool-call',
      toolCallId: 'a',
      toolName: 'wait',
      input: { seconds: 1 },
      providerOptions: signature,
    },
  ] satisfies Exclude<AssistantModelMessage['content'], string>;

  test('P11: comes back part by part, with the metadata of each', () => {
    const parts = verbatimParts(content);
    const verbatim = { model: 'p:m', parts: parts ?? [] };
    const calls = [
      { id: 'a', name: 'wait', args: { seconds: 1 } },
      { id: 'b', name: 'wait', args: {} },
    ];
    const [, answer] = toModelMessages([
      user('go'),
      { role: 'assistant', text: 'One. Two. And more.', calls, verbatim },
    ]);
    expect(answer?.content).toEqual([
      ...content.slice(0, -1),
      content.at(-1),
      // What it does not speak of comes last.
      { type: 'text', text: ' And more.' },
      { type: 'tool-call', toolCallId: 'b', toolName: 'wait', input: {} },
    ]);
  });

  test('is kept only if it has more than text and calls', () => {
    expect(verbatimParts([{ type: 'text', text: 'a' }])).toBeUndefined();
    expect(
      verbatimParts([
        { type: 'custom', kind: 'anthropic.message_start', providerOptions: { anthropic: { id: 'msg_1' } } },
        { type: 'text', text: 'a' },
        { type: 'tool-call', toolCallId: 'a', toolName: 'wait', input: {} },
      ]),
    ).toBeUndefined();
  });

  test('each call says what was thought, if only nothing, for servers that show thoughts as text', () => {
    const calls = [{ id: 'a', name: 'wait', args: {} }];
    const thought = { model: 'p:m', parts: [{ opaque: { type: 'reasoning', text: 'Hm.' } }, { call: 'a' }] };
    const messages: PromptMessage[] = [
      { role: 'assistant', text: '', calls, verbatim: thought },
      { role: 'assistant', text: '', calls },
      said('So.'),
    ];
    const silent = { openaiCompatible: { reasoning_content: '' } };
    const options = (prompt: ModelMessage[]) => prompt.map(({ providerOptions }) => providerOptions);
    expect(options(toModelMessages(messages).slice(0, 3))).toEqual([undefined, silent, undefined]);
    expect(JSON.stringify(toModelMessages(messages.slice(1)))).not.toContain('reasoning_content');
  });
});
