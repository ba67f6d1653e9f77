import { readUIMessageStream } from 'ai';
import { expect, it } from 'vitest';
import { epochMs, epochSeconds } from '../config/units.ts';
import { entriesOf } from '../core/events/entries.ts';
import { type EventDraft, frameOf, numbered } from '../core/events/events.ts';
import { historyEntry } from '../core/events/history-entry.ts';
import { entryOf, storedEntry } from '../core/events/stored-entry.ts';
import { asLaneId, asMessageId, asRequestId, asTurnId } from '../core/ids.ts';
import { EVENTS } from '../protocol/events.ts';
import { AnswerWriter } from './ai-sdk/answer-writer.ts';
import { toUIMessages } from './ai-sdk/stored-messages.ts';
import { answerId, type Chunk, type MidturnUIMessage } from './ai-sdk/ui-message.ts';
import type { EventFrame, HistoryEntry } from './protocol.ts';
import { reduce } from './reduce.ts';
import { type Item, initialState, type State } from './state.ts';
import { Story } from './testing/story.ts';

/**
 * What a view shows of a conversation, live and after a reload: the same. Reasoning is not kept, nor are answered questions of MCP
 * servers, which are between the user and the server.
 */

const M1 = asMessageId('m1');
const ASKED = asRequestId('r1');
const begin: EventDraft[] = [
  { type: 'turn_start', message_ids: [M1], entry: 1, at: epochMs(0) },
  { type: 'applied', messages: [{ id: M1, content: 'first', at: epochMs(1) }], step: 1 },
];
const say = (content: string): EventDraft => ({ type: 'chunk', content, offset: 0 });
const call: EventDraft = { type: 'tool_call', id: 'c1', name: 'order', args: { city: 'Lisbon' } };
const result: EventDraft = { type: 'tool_result', id: 'c1', name: 'order', output: { ok: true } };
const ask: EventDraft = {
  type: 'approval_request',
  request_id: ASKED,
  tool_call_id: 'c1',
  tool: 'order',
  arguments_summary: '{"city":"Lisbon"}',
  arguments: { city: 'Lisbon' },
  timeout_secs: 120,
  at: epochMs(2),
};
const done: EventDraft = {
  type: 'done',
  first: 1,
  input_tokens: 3,
  output_tokens: 4,
  last_input_tokens: 3,
  cache_read_tokens: 2,
  reasoning_tokens: 1,
  cost: 0.01,
  currency: 'USD',
  model: 'm',
  provider: 'p',
  steps: 2,
  finish_reason: 'length',
  cached: true,
};

const TURNS: Readonly<Record<string, EventDraft[]>> = {
  'an answer with a tool that was approved': [
    ...begin,
    say('Let me '),
    say('see.'),
    call,
    ask,
    { type: 'approval_resolved', request_id: ASKED, decision: 'always', reason: 'answer', by: 'eva' },
    result,
    say('Done.'),
    done,
  ],
  'a tool that was denied, since nobody answered in time': [
    ...begin,
    call,
    ask,
    { type: 'approval_resolved', request_id: ASKED, decision: 'deny', reason: 'timeout' },
    { type: 'tool_result', id: 'c1', name: 'order', output: 'Not run', is_error: true },
    say('No.'),
    done,
  ],
  'an answer of a second model, to a shorter prompt': [
    ...begin,
    { type: 'history_trimmed', dropped_messages: 7, kept_turns: 2, reason: 'overlong', form: 'recent' },
    {
      type: 'model_changed',
      model: 'm2',
      provider: 'p2',
      fallback_from: 'p:m',
      reason: 'throttled',
    },
    { type: 'thinking', content: 'hm' },
    say('Here.'),
    done,
  ],
  'an answer to a prompt with a summary': [
    ...begin,
    {
      type: 'history_trimmed',
      dropped_messages: 7,
      kept_turns: 2,
      reason: 'context_tokens',
      compacted_to: 7,
    },
    {
      type: 'compacted',
      from_entry: 1,
      to_entry: 7,
      model: 'm',
      provider: 'p',
      input_tokens: 5,
      output_tokens: 2,
    },
    say('Here.'),
    done,
  ],
  'an answer with a search of its provider, sources and files': [
    ...begin,
    { ...call, provider_executed: true },
    { ...result, provider_executed: true },
    say('Noon.'),
    { type: 'source', source_id: 'source-1', source_type: 'url', url: 'https://example.com/a', title: 'A' },
    {
      type: 'source',
      source_id: 'source-2',
      source_type: 'document',
      media_type: 'application/pdf',
      title: 'B',
      filename: 'b.pdf',
    },
    { type: 'file', media_type: 'image/png', bytes: 3, data: 'AAAA' },
    { type: 'file', media_type: 'image/png', bytes: 90_000, omitted: 'too_large' },
    done,
  ],
  'an answer with a tool that shows its progress and sends data, some of it anew': [
    ...begin,
    call,
    { type: 'tool_progress', id: 'c1', name: 'order', output: 'Looking.' },
    { type: 'data', name: 'chart', id: 'sales', data: { rows: [1] }, tool_call_id: 'c1' },
    { type: 'data', name: 'chart', id: 'c1/1', data: 'of its own', tool_call_id: 'c1' },
    { type: 'tool_progress', id: 'c1', name: 'order', output: { percent: 90 } },
    { type: 'data', name: 'chart', id: 'sales', data: { rows: [1, 2] }, tool_call_id: 'c1' },
    result,
    say('Here.'),
    done,
  ],
  'an answer with a tool that failed after it had shown its progress': [
    ...begin,
    call,
    { type: 'tool_progress', id: 'c1', name: 'order', output: { percent: 90 } },
    { type: 'tool_progress', id: 'c1', name: 'order', output: { percent: 10 }, restarted: true },
    { type: 'tool_result', id: 'c1', name: 'order', output: 'Gone.', is_error: true },
    say('No.'),
    done,
  ],
  'an answer with a tool that the page runs': [
    ...begin,
    call,
    {
      type: 'tool_output_request',
      request_id: ASKED,
      tool_call_id: 'c1',
      tool: 'order',
      arguments: { city: 'Lisbon' },
      lane: asLaneId('lane-1'),
      timeout_secs: 60,
      at: epochMs(1),
    },
    result,
    say('Here.'),
    done,
  ],
  'an answer with a tool whose server asked the user': [
    ...begin,
    call,
    {
      type: 'elicitation_request',
      request_id: ASKED,
      tool_call_id: 'c1',
      tool: 'order',
      server: 'books',
      mode: 'form',
      message: 'For whom?',
      fields: [{ name: 'name', type: 'string' }],
      timeout_secs: 60,
      key: 'who',
      at: epochMs(1),
    },
    {
      type: 'elicitation_resolved',
      request_id: ASKED,
      action: 'accept',
      reason: 'answer',
      content: { name: 'Eva' },
    },
    result,
    say('Here.'),
    done,
  ],
  'an answer that has a form of its own': [
    ...begin,
    say('{"city": "Lisbon"}'),
    { ...done, output: { city: 'Lisbon' } },
  ],
  'an answer that was stopped': [...begin, say('half'), { type: 'aborted', by: 'eva', first: 1 }],
  'an answer that broke off': [
    ...begin,
    say('half'),
    { type: 'error', code: 'PROVIDER_ERROR', message: 'Gone.', retryable: true, reason: 'cut_off', first: 1 },
  ],
  'an answer that spent the budget': [
    ...begin,
    say('half'),
    {
      type: 'error',
      code: 'BUDGET_EXCEEDED',
      message: 'Spent.',
      retryable: true,
      until: epochMs(86_400_000),
      first: 1,
    },
  ],
  'an answer that failed before it said anything': [
    ...begin,
    {
      type: 'error',
      code: 'AUTH_ERROR',
      message: 'No key.',
      retryable: false,
      reason: 'unauthorised',
      first: 1,
    },
  ],
};

/** The events of the turn as they are sent, and the entries that `history` gives of them, through the table. */
function given(drafts: readonly EventDraft[]): { events: EventFrame[]; entries: HistoryEntry[] } {
  const turn = asTurnId('t');
  const stored = drafts.map((draft, at) => numbered(draft, at + 1, turn));
  const text = drafts.map((draft) => (draft.type === 'chunk' ? draft.content : '')).join('');
  const put = { first: 1, expires: epochSeconds(9) };
  return {
    events: stored.map((event) => JSON.parse(frameOf(event, () => text))),
    entries: entriesOf(stored).map((entry) => historyEntry(entryOf(storedEntry(entry, put)))),
  };
}

const live = (events: readonly EventFrame[]): State =>
  events.reduce((state: State, frame) => reduce(state, { type: 'frame', frame }), {
    ...initialState('s'),
    cursor: 0,
    restart: new Story().sessionStart('lane-1'),
  });

const reloaded = (entries: HistoryEntry[]): State =>
  reduce(initialState('s'), { type: 'frame', frame: { type: 'history', entries } });

/** Parts of `useChat`. */
const NOT_KEPT = ['reasoning', 'data-midturn-elicitation'];

it('knows every kind of event', () => {
  const told = new Set(Object.values(TURNS).flatMap((drafts) => drafts.map(({ type }) => type)));
  expect([...told].sort()).toEqual(Object.keys(EVENTS).sort());
});

it.each(Object.entries(TURNS))('P3: after a reload a view shows the same items: %s', (_, drafts) => {
  const { events, entries } = given(drafts);
  const shown = ({ items }: State) =>
    items.flatMap((item): Omit<Item, 'key'>[] => {
      const { key: _, ...rest } = item;
      return item.kind === 'thinking' ? [] : [rest];
    });
  expect(shown(reloaded(entries))).toEqual(shown(live(events)));
  expect(shown(live(events)).length).toBeGreaterThan(1);
});

it.each(Object.entries(TURNS))('P3: after a reload `useChat` has the same message: %s', async (_, drafts) => {
  const { events, entries } = given(drafts);
  const shown = (message: MidturnUIMessage | undefined) => {
    const { id, metadata, parts } = JSON.parse(JSON.stringify(message));
    return { id, metadata, parts: parts.filter((part: { type: string }) => !NOT_KEPT.includes(part.type)) };
  };
  const answer = toUIMessages(reloaded(entries)).find(({ role }) => role === 'assistant');
  expect(shown(answer)).toEqual(shown(await streamed(events)));
});

/** The message that `useChat` makes of the stream. */
async function streamed(events: readonly EventFrame[]): Promise<MidturnUIMessage | undefined> {
  const stream = new ReadableStream<Chunk>({
    start(controller) {
      controller.enqueue({ type: 'start', messageId: answerId('m1') });
      const writer = new AnswerWriter((chunk) => controller.enqueue(chunk), {
        isShown: () => true,
        isAsked: () => true,
      });
      for (const event of events) writer.add(event);
      controller.close();
    },
  });
  let last: MidturnUIMessage | undefined;
  // What fails is told by the parts of the message.
  const onError = () => {};
  for await (const message of readUIMessageStream<MidturnUIMessage>({ stream, onError })) last = message;
  return last;
}
