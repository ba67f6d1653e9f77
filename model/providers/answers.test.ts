import { InvalidResponseDataError, TypeValidationError } from 'ai';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import {
  call,
  ends,
  FILE,
  given,
  LOOK,
  type Part,
  text,
  wordOf,
} from '../../test/support/answering-model.ts';

/** What comes of the parts that a provider's package gives, and when it gives them no more. */

describe('the end of an answer', () => {
  // What was said, how it ends, and what comes of it: `!` is a failure that may be tried again.
  it.each<[string, Part[], Part[], string[]]>([
    ['says why', text('Hi'), [ends('stop', 'end_turn')], ['text', 'stop']],
    [
      'names no reason of the provider, as of the Responses API',
      text('Hi'),
      [ends('stop', undefined)],
      ['text', 'stop'],
    ],
    ['and so after calls', [LOOK], [ends('tool-calls', undefined)], ['tool_call', 'tool_calls']],
    ['and so of a filter', text('Hi'), [ends('content-filter', undefined)], ['text', 'refusal']],
    ['and so of a filter of everything', [], [ends('content-filter', undefined)], ['withheld']],
    ['has no reason at all', text('Hi'), [ends('other', undefined)], ['text', 'cut_off!']],
    ['has no reason after a call, which may lack its half', [LOOK], [ends('other', undefined)], ['cut_off!']],
    ['has no reason, and nothing was said', [], [ends('other', undefined)], ['empty!']],
    ['has no reason of a limit', text('Hi'), [ends('length', undefined)], ['text', 'cut_off!']],
    ['is the limit of tokens', text('Hi'), [ends('length', 'max_tokens')], ['text', 'length']],
    ['is a filter of a provider', text('Hi'), [ends('content-filter', 'SAFETY')], ['text', 'content_filter']],
    ['is a refusal', text('Hi'), [ends('content-filter', 'refusal')], ['text', 'refusal']],
    ['is a file alone', [FILE], [ends('stop', 'stop')], ['file', 'stop']],
    ['is a file whose end is lost', [FILE], [ends('other', undefined)], ['file', 'cut_off!']],
    ['is a pause', [], [ends('other', 'pause_turn')], ['paused']],
    [
      'is the end of the window',
      text('Hi'),
      [ends('other', 'model_context_window_exceeded')],
      ['text', 'length'],
    ],
    ['is the end of the window at once', [], [ends('other', 'model_context_window_exceeded')], ['overlong']],
    ['is the limit at once', [], [ends('length', 'length')], ['empty']],
    ['is nothing', [], [ends('stop', 'stop')], ['empty!']],
    ['is an error that a call was', text('Hi'), [ends('error', 'odd')], ['text', 'tool_calls']],
    ...['MALFORMED_FUNCTION_CALL', 'malformed_tool_use', 'malformed_model_output'].map(
      (raw): [string, Part[], Part[], string[]] => [
        `is a call that the provider could not read: ${raw}`,
        text('Hi'),
        [ends('other', raw)],
        ['text', 'unreadable!'],
      ],
    ),
    [
      'is a word of the provider’s own',
      text('Hi'),
      [ends('other', 'é'.repeat(64))],
      ['text', 'é'.repeat(64)],
    ],
    [
      'is a long one, which is cut',
      text('Hi'),
      [ends('other', 'é'.repeat(65))],
      ['text', `${'é'.repeat(63)}…`],
    ],
  ])('%s', async (_what, said, end, expected) => {
    const { parts } = await given([...said, ...end]);
    expect(parts.map(wordOf)).toEqual(expected);
  });

  it('P13: at the limit of tokens, the last call alone cannot be run', async () => {
    const two = [LOOK, { ...call('look', { at: 'sky' }), toolCallId: 'c-2' }];
    const { parts } = await given([...two, ends('length', 'length')]);
    const invalid = parts.flatMap((part) => (part.type === 'tool_call' ? [part.invalid !== undefined] : []));
    expect(invalid).toEqual([false, true]);
    const whole = await given([...two, ends('tool-calls', 'tool_calls')]);
    expect(JSON.stringify(whole.parts)).not.toContain('invalid');
  });

  it.each<[Part[], unknown, string[]]>([
    // Events that packages may not know yet are left out, unless an answer is not whole without them.
    ...['weather', 'content_block_start'].map((type): [Part[], unknown, string[]] => [
      text('Hi'),
      new TypeValidationError({ value: { type }, cause: 'odd' }),
      ['text', 'stop'],
    ]),
    ...[
      { type: 'message_start' },
      { type: 'message_delta' },
      { type: 'message_stop' },
      { type: 'error' },
      {},
      null,
    ].map((value): [Part[], unknown, string[]] => [
      text('Hi'),
      new TypeValidationError({ value, cause: 'odd' }),
      ['text', 'unreadable!'],
    ]),
    [[], new InvalidResponseDataError({ data: {}, message: 'no finish reason' }), ['empty!']],
    [
      text('Hi'),
      new InvalidResponseDataError({ data: {}, message: 'no finish reason' }),
      ['text', 'cut_off!'],
    ],
    [[], new InvalidResponseDataError({ data: {}, message: 'no type' }), ['cut_off!']],
    [[], { error: { message: 'odd' } }, ['provider!']],
  ])('is an error in its midst, after %j: %s', async (said, error, expected) => {
    const { parts } = await given([...said, { type: 'error', error }, ends('stop', 'stop')]);
    expect(parts.map(wordOf)).toEqual(expected);
  });

  it('is a failure that may be tried again where the stream just stops', async () => {
    expect((await given(text('Hi'))).parts.map(wordOf)).toEqual(['text', 'cut_off!']);
    expect((await given([])).parts.map(wordOf)).toEqual(['empty!']);
  });

  it('counts what the provider counts, and nothing that it does not', async () => {
    const usage = {
      inputTokens: { total: 100, noCache: 30, cacheRead: 50, cacheWrite: 20 },
      outputTokens: { total: 9, text: 5, reasoning: 4 },
    };
    expect((await given([...text('Hi'), ends('stop', 'stop', usage)])).last).toMatchObject({
      usage: {
        inputTokens: 100,
        outputTokens: 9,
        cacheReadTokens: 50,
        cacheWriteTokens: 20,
        reasoningTokens: 4,
      },
    });
    const none = {
      inputTokens: { total: undefined, noCache: undefined, cacheRead: 0, cacheWrite: 0 },
      outputTokens: { total: undefined, text: undefined, reasoning: 0 },
    };
    expect((await given([...text('Hi'), ends('stop', 'stop', none)])).last).toMatchObject({ type: 'finish' });
    expect((await given([...text('Hi'), ends('stop', 'stop', none)])).last).toHaveProperty('usage', {
      inputTokens: 0,
      outputTokens: 0,
    });
  });
});

describe('the parts of an answer', () => {
  it('are none of an empty text or thought', async () => {
    const thought = (delta: string): Part[] => [
      { type: 'reasoning-start', id: 'r' },
      { type: 'reasoning-delta', id: 'r', delta },
      { type: 'reasoning-end', id: 'r' },
    ];
    const { parts } = await given([...thought(''), ...text(''), ends('stop', 'stop')]);
    expect(parts.map(wordOf)).toEqual(['empty!']);
    const said = await given([...thought('Hm.'), ...text('Hi'), ends('stop', 'stop')]);
    expect(said.parts.slice(0, 2)).toEqual([
      { type: 'thinking', text: 'Hm.' },
      { type: 'text', text: 'Hi' },
    ]);
  });

  it('P11: are calls with the input as the model wrote it, and what is wrong with it', async () => {
    const at = z.string().transform((place) => place.toUpperCase());
    const tools = {
      look: { inputSchema: z.object({ at, n: z.number().default(1) }), execute: () => 'seen' },
    };
    const parts = [LOOK, call('look', { at: 7 }), call('peek', {}), ends('tool-calls', 'tool_calls')];
    expect((await given(parts, { options: { tools } as never })).parts.slice(0, 3)).toEqual([
      { type: 'tool_call', id: 'c-look', name: 'look', args: { at: 'sea' } },
      {
        type: 'tool_call',
        id: 'c-look',
        name: 'look',
        args: { at: 7 },
        invalid: expect.stringContaining('"look": at: '),
      },
      {
        type: 'tool_call',
        id: 'c-peek',
        name: 'peek',
        args: {},
        invalid: 'There is no tool named "peek". Available: look.',
      },
    ]);
  });

  it('are what the provider ran itself, without what is encrypted at any depth', async () => {
    const ran = { providerExecuted: true, dynamic: true };
    const result = (value: unknown, more: object = {}): Part => ({
      type: 'tool-result',
      toolCallId: 'c-search',
      toolName: 'search',
      result: value as never,
      dynamic: true,
      ...more,
    });
    const found = { pages: [{ title: 'Sea', encryptedContent: 'x', encrypted_index: 'y' }], Encrypted: 1 };
    const { parts } = await given([
      call('search', { q: 'sea' }, ran),
      result(found),
      ...text('Found.'),
      ends('stop', 'stop'),
    ]);
    expect(parts.slice(0, 2)).toEqual([
      { type: 'provider_call', id: 'c-search', name: 'search', args: { q: 'sea' } },
      {
        type: 'provider_result',
        id: 'c-search',
        name: 'search',
        output: { pages: [{ title: 'Sea' }] },
        isError: false,
      },
    ]);
    expect(parts.map(({ type }) => type)).toEqual(['provider_call', 'provider_result', 'text', 'finish']);
    const failed = await given([
      call('search', {}, ran),
      result('The web is down.', { isError: true }),
      ...text('No.'),
      ends('stop', 'stop'),
    ]);
    expect(failed.parts[1]).toMatchObject({
      type: 'provider_result',
      output: 'The web is down.',
      isError: true,
    });
  });

  it('are sources with the title that they have', async () => {
    const source = (more: object): Part => ({ type: 'source', id: 's', ...more }) as Part;
    const { parts } = await given([
      source({ sourceType: 'url', url: 'https://a.test', title: 'A' }),
      source({ sourceType: 'url', url: 'https://b.test' }),
      source({ sourceType: 'document', mediaType: 'application/pdf', title: 'C', filename: 'c.pdf' }),
      source({ sourceType: 'document', mediaType: 'text/plain', title: 'D' }),
      ...text('So.'),
      ends('stop', 'stop'),
    ]);
    expect(parts.flatMap((part) => (part.type === 'source' ? [part.source] : []))).toEqual([
      { kind: 'url', url: 'https://a.test', title: 'A' },
      { kind: 'url', url: 'https://b.test' },
      { kind: 'document', mediaType: 'application/pdf', title: 'C', filename: 'c.pdf' },
      { kind: 'document', mediaType: 'text/plain', title: 'D' },
    ]);
  });

  it('are life signs, each of them', async () => {
    const few = await given([...text('Hi'), ends('stop', 'stop')]);
    const more = await given([...text('Hi'), ...text('you'), ...text('all'), ends('stop', 'stop')]);
    expect(more.alive).toBeGreaterThan(few.alive);
  });
});
