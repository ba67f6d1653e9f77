import { describe, expect, it } from 'vitest';
import type { EventFrame, HistoryEntry } from './protocol.ts';
import { reduce } from './reduce.ts';
import { type Item, initialState, type State } from './state.ts';
import { Story } from './testing/story.ts';

type Draft = EventFrame extends infer E ? (E extends EventFrame ? Omit<E, 'seq' | 'turn_id'> : never) : never;

/** What is shown of these events, each of the turn that stands before it. */
function shownOf(...events: [turn: string, event: Draft][]): readonly Item[] {
  const numbered = events.map(([turn_id, event], at) => ({ ...event, seq: at + 1, turn_id }) as EventFrame);
  const begun = reduce(initialState('s'), { type: 'frame', frame: new Story().sessionStart('lane-1') });
  return numbered.reduce<State>((state, frame) => reduce(state, { type: 'frame', frame }), begun).items;
}
const call = (id: string, args: Record<string, string> = {}): Draft => ({
  type: 'tool_call',
  id,
  name: 'find',
  args,
});
const result = (id: string, output: string): Draft => ({ type: 'tool_result', id, name: 'find', output });
const source = (more: object): Draft =>
  ({ type: 'source', source_id: 'x1', source_type: 'document', ...more }) as Draft;
const data = (name: string, id: string, value: number): Draft => ({
  type: 'data',
  name,
  id,
  data: value,
  tool_call_id: 'c1',
});
const outputs = (items: readonly Item[]) =>
  items.flatMap((item) => (item.kind === 'tool' ? [[item.turnId, item.id, item.result?.output]] : []));

describe('what is shown of an event has all that the event says', () => {
  it.each<[string, Draft, object]>([
    [
      'approval_request',
      {
        type: 'approval_request',
        request_id: 'r1',
        tool_call_id: 'c1',
        tool: 'order',
        arguments_summary: '{…}',
        arguments: { n: 1 },
        always: false,
        timeout_secs: 120,
        at: 5,
      },
      {
        kind: 'approval',
        requestId: 'r1',
        toolCallId: 'c1',
        tool: 'order',
        summary: '{…}',
        arguments: { n: 1 },
        offersAlways: false,
        timeoutSeconds: 120,
        askedAt: 5,
        decision: undefined,
        resolved: undefined,
      },
    ],
    [
      'history_trimmed',
      { type: 'history_trimmed', dropped_messages: 3, reason: 'budget', form: 'text' } as Draft,
      { kind: 'trimmed', droppedMessages: 3, reason: 'budget', form: 'text' },
    ],
    [
      'model_changed',
      {
        type: 'model_changed',
        model: 'm2',
        provider: 'p2',
        fallback_from: 'p1:m1',
        reason: 'throttled',
      } as Draft,
      { kind: 'model_changed', model: 'm2', provider: 'p2', from: 'p1:m1', reason: 'throttled' },
    ],
    ['compacted', { type: 'compacted', to_entry: 7 } as Draft, { kind: 'compacted', toEntry: 7 }],
    [
      'file',
      { type: 'file', media_type: 'image/png', bytes: 9, omitted: 'too_large' } as Draft,
      { kind: 'file', mediaType: 'image/png', bytes: 9, data: undefined, omitted: 'too_large' },
    ],
    ['data', data('chart', 'd1', 1), { kind: 'data', name: 'chart', id: 'd1', data: 1, toolCallId: 'c1' }],
    [
      'done',
      {
        type: 'done',
        full_response: '',
        input_tokens: 1,
        output_tokens: 2,
        last_input_tokens: 1,
        tokens_used: 3,
        cache_read_tokens: 4,
        cache_write_tokens: 5,
        reasoning_tokens: 6,
        cost: 7,
        currency: 'EUR',
        model: 'm',
        provider: 'p',
        steps: 8,
        cached: true,
        finish_reason: 'length',
        output: { n: 9 },
      },
      {
        kind: 'turn_end',
        outcome: {
          result: 'done',
          output: { n: 9 },
          usage: {
            inputTokens: 1,
            outputTokens: 2,
            cacheReadTokens: 4,
            cacheWriteTokens: 5,
            reasoningTokens: 6,
            cost: 7,
            currency: 'EUR',
            model: 'm',
            provider: 'p',
            steps: 8,
            cached: true,
            finishReason: 'length',
          },
        },
      },
    ],
    [
      'aborted',
      { type: 'aborted', full_response: '', by: 'ann' },
      { kind: 'turn_end', outcome: { result: 'aborted', by: 'ann' } },
    ],
    [
      'error',
      {
        type: 'error',
        code: 'BUDGET_EXCEEDED',
        message: 'why',
        terminal: true,
        retryable: true,
        until: 9,
        full_response: '',
      },
      {
        kind: 'turn_end',
        outcome: { result: 'failed', code: 'BUDGET_EXCEEDED', message: 'why', retryable: true, until: 9 },
      },
    ],
  ])('%s', (_, event, item) => {
    expect(shownOf(['t1', event])).toEqual([{ key: 'e1', turnId: 't1', ...item }]);
  });

  it('applied, of a person and of the application', () => {
    const messages = [
      { id: 'm1', content: 'hello' },
      { id: 'm2', content: 'a parcel came', from: 'system' as const },
    ];
    const user = {
      kind: 'user',
      delivery: 'steer',
      state: { status: 'applied', turnId: 't1', step: 2 },
      withdrawing: false,
    };
    expect(shownOf(['t1', { type: 'applied', messages, step: 2 }])).toEqual([
      { ...user, key: 'user:m1', id: 'm1', content: 'hello', from: undefined },
      { ...user, key: 'user:m2', id: 'm2', content: 'a parcel came', from: 'system' },
    ]);
  });

  it.each<[object, object]>([
    [
      { source_type: 'url', url: 'https://a.test/', title: 'A' },
      { id: 'x1', type: 'url', url: 'https://a.test/', title: 'A' },
    ],
    [
      { source_type: 'url' },
      { id: 'x1', type: 'document', mediaType: 'application/octet-stream', title: '', filename: undefined },
    ],
    [
      { media_type: 'application/pdf', filename: 'a.pdf', url: 'https://a.test/' },
      { id: 'x1', type: 'document', mediaType: 'application/pdf', title: 'a.pdf', filename: 'a.pdf' },
    ],
    [
      { title: 'A', filename: 'a.pdf' },
      { id: 'x1', type: 'document', mediaType: 'application/octet-stream', title: 'A', filename: 'a.pdf' },
    ],
    [
      { url: 'https://a.test/' },
      {
        id: 'x1',
        type: 'document',
        mediaType: 'application/octet-stream',
        title: 'https://a.test/',
        filename: undefined,
      },
    ],
  ])('source: %o', (said, shown) => {
    expect(shownOf(['t1', source(said)])).toEqual([
      { kind: 'sources', key: 'e1', turnId: 't1', sources: [shown] },
    ]);
  });

  it('tool_output_request: what the client is to run with, in the place of what the call showed', () => {
    const asked = { request_id: 'r1', tool_call_id: 'c1', tool: 'find', lane: 'lane-1', timeout_secs: 60 };
    const items = shownOf(
      ['t1', call('c1', { city: 'cut …' })],
      ['t1', { type: 'tool_output_request', ...asked, arguments: { city: 'Lisbon' } }],
    );
    expect(items).toMatchObject([
      { args: { city: 'Lisbon' }, request: { requestId: 'r1', timeoutSeconds: 60 } },
    ]);
  });

  it('tool_progress, until the result', () => {
    const progress: Draft = { type: 'tool_progress', id: 'c1', name: 'find', output: '[1]', json: true };
    expect(shownOf(['t1', call('c1')], ['t1', progress])).toMatchObject([
      { progress: [1], result: undefined },
    ]);
    const whole = { ...result('c1', 'none'), is_error: true, truncated: true, output_length: 9 } as Draft;
    expect(shownOf(['t1', call('c1')], ['t1', progress], ['t1', whole])).toMatchObject([
      { progress: undefined, result: { output: 'none', isError: true, truncated: true, outputLength: 9 } },
    ]);
  });
});

describe('what belongs together', () => {
  it('P13: of two calls with one id, the last of its own turn has the result', () => {
    const items = shownOf(
      ['t1', call('c1')],
      ['t1', result('c1', 'a')],
      ['t1', call('c1')],
      ['t1', result('c1', 'b')],
    );
    expect(outputs(items)).toEqual([
      ['t1', 'c1', 'a'],
      ['t1', 'c1', 'b'],
    ]);
  });

  it('P13: a result whose call is not known is one of its own, and of no other turn or call', () => {
    const items = shownOf(['t1', call('c1')], ['t1', call('c2')], ['t2', result('c1', 'b')]);
    expect(outputs(items)).toEqual([
      ['t1', 'c1', undefined],
      ['t1', 'c2', undefined],
      ['t2', 'c1', 'b'],
    ]);
  });

  it('text and thinking go on in what is last, if that is of the same kind and turn', () => {
    const say = (content: string): Draft => ({ type: 'chunk', content, offset: 0 });
    const think = (content: string): Draft => ({ type: 'thinking', content });
    const items = shownOf(
      ['t1', think('h')],
      ['t1', think('m')],
      ['t1', say('a')],
      ['t1', say('b')],
      ['t2', say('c')],
    );
    expect(
      items.map((item) => 'content' in item && item.kind !== 'user' && [item.turnId, item.key, item.content]),
    ).toEqual([
      ['t1', 'e1', 'hm'],
      ['t1', 'e3', 'ab'],
      ['t2', 'e5', 'c'],
    ]);
  });

  it('a value of a tool takes the place of the one with the same name and id in its turn, under the same key', () => {
    const items = shownOf(
      ['t1', data('chart', 'd1', 1)],
      ['t1', data('table', 'd1', 2)],
      ['t1', data('chart', 'd2', 3)],
      ['t1', data('chart', 'd1', 4)],
      ['t2', data('chart', 'd1', 5)],
    );
    expect(items.map((item) => item.kind === 'data' && [item.key, item.name, item.id, item.data])).toEqual([
      ['e1', 'chart', 'd1', 4],
      ['e2', 'table', 'd1', 2],
      ['e3', 'chart', 'd2', 3],
      ['e5', 'chart', 'd1', 5],
    ]);
  });

  it('sources that follow one another are one item, in their order', () => {
    const items = shownOf(
      ['t1', source({ title: 'A' })],
      ['t1', source({ title: 'B' })],
      ['t1', call('c1')],
      ['t1', source({ title: 'C' })],
    );
    const titles = items.map((item) =>
      item.kind === 'sources' ? item.sources.map(({ title }) => title) : item.kind,
    );
    expect(titles).toEqual([['A', 'B'], 'tool', ['C']]);
  });
});

it('entries of the transcript have a key each, and one of a newer server shows nothing', () => {
  const entries = [
    { n: 1, turn_id: 't1', role: 'assistant', content: 'a' },
    { n: 2, turn_id: 't1', role: 'tool_call', id: 'c1', name: 'find', args: {} },
    { n: 3, turn_id: 't1', role: 'of the future' },
    { n: 4, turn_id: 't1', role: 'assistant', content: 'b' },
  ] as HistoryEntry[];
  const start = { ...new Story().sessionStart('lane-1'), message_count: 4, last_seq: 9 };
  const begun = reduce(initialState('s'), { type: 'frame', frame: start });
  const { items } = reduce(begun, { type: 'frame', frame: { type: 'history', entries } });
  expect(items.map(({ key }) => key)).toEqual(['n1', 'n2', 'n4']);
});
