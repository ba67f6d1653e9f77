import type { UITools } from 'ai';
import { expect, expectTypeOf, it } from 'vitest';
import { OWN_DATA_NAMES } from '../../protocol/data-parts.ts';
import { entryItems } from '../entries.ts';
import type { MessageState, UserItem } from '../state.ts';
import { AnswerWriter } from './answer-writer.ts';
import { toUIMessages } from './stored-messages.ts';
import type { MidturnChatTransport } from './transport.ts';
import type { Chunk, MidturnDataParts, MidturnUIMessage } from './ui-message.ts';

type Message = MidturnUIMessage<UITools, { chart: { rows: number[] } }>;

it('the server lets no tool send a part of a name that this adapter uses', () => {
  expectTypeOf<keyof MidturnDataParts>().toEqualTypeOf<(typeof OWN_DATA_NAMES)[number]>();
  expect(new Set(OWN_DATA_NAMES).size).toBe(OWN_DATA_NAMES.length);
});

it('an application’s data parts have their types beside the parts of this adapter', () => {
  type Chart = Extract<Message['parts'][number], { type: 'data-chart' }>;
  type Failure = Extract<Message['parts'][number], { type: 'data-failure' }>;
  expectTypeOf<Chart['data']>().toEqualTypeOf<{ rows: number[] }>();
  expectTypeOf<Failure['data']>().toEqualTypeOf<MidturnDataParts['failure']>();
  expectTypeOf<MidturnChatTransport<Message>>().toHaveProperty('sendMessages');
});

it('what a running tool shows is a preliminary output of its part, and its data is a part of its name', () => {
  const chunks: Chunk[] = [];
  const writer = new AnswerWriter((chunk) => chunks.push(chunk), {
    isShown: () => true,
    isAsked: () => true,
  });
  const head = { turn_id: 't', id: 'c1', name: 'report' };
  writer.add({ type: 'tool_call', seq: 1, ...head, args: {} });
  writer.add({ type: 'tool_progress', seq: 2, ...head, output: '{"percent":10}', json: true });
  writer.add({ type: 'data', seq: 3, turn_id: 't', id: 'sales', name: 'chart', data: { rows: [1] } });
  writer.add({ type: 'tool_result', seq: 4, ...head, output: 'done' });
  const shown = { toolCallId: 'c1', providerExecuted: true };
  expect(chunks).toEqual([
    { type: 'start-step' },
    { type: 'tool-input-available', toolName: 'report', input: {}, ...shown },
    { type: 'tool-output-available', output: { percent: 10 }, preliminary: true, ...shown },
    { type: 'data-chart', id: 'sales', data: { rows: [1] } },
    { type: 'tool-output-available', output: 'done', ...shown },
    { type: 'finish-step' },
  ]);
});

it('what the application sends is no word of the user: a part of the answer, or a message of its own when it is loaded', () => {
  const chunks: Chunk[] = [];
  const writer = new AnswerWriter((chunk) => chunks.push(chunk), {
    isShown: (id) => id === 'loaded',
    isAsked: () => true,
  });
  const messages = ['w1', 'loaded'].map((id) => ({ id, content: 'Paid.', from: 'system' as const }));
  writer.add({ type: 'applied', seq: 1, turn_id: 't', messages, step: 1 });
  const parts = [{ type: 'text', text: 'Paid.' }];
  expect(chunks).toEqual([
    { type: 'data-midturn-system-message', id: 'w1', data: { messageId: 'w1', parts } },
  ]);
  const loaded = entryItems([
    { n: 1, turn_id: 't', role: 'user', id: 'w1', content: 'Paid.', at: 0, step: 1, from: 'system' },
    { n: 2, turn_id: 't', role: 'assistant', content: 'Thanks.' },
  ]);
  expect(toUIMessages({ items: loaded })).toMatchObject([
    { id: 'w1', role: 'system', parts },
    {
      id: 'answer-w1',
      role: 'assistant',
      parts: [{ type: 'step-start' }, { type: 'text', text: 'Thanks.' }],
    },
  ]);
});

it.each<[MessageState, boolean]>([
  [{ status: 'sending' }, false],
  [{ status: 'accepted', turnId: 't', placement: 'steering', position: 0 }, false],
  [{ status: 'queued', turnId: 't', position: 0 }, false],
  [{ status: 'applied', turnId: 't', step: 1 }, true],
  [{ status: 'cancelled', reason: 'user' }, false],
  [{ status: 'rejected', code: 'RATE_LIMITED', message: '', retryable: true }, false],
])('a message in the state %j is loaded: %s. The others come in the stream', (state, isLoaded) => {
  const item = { kind: 'user', id: 'm1', content: 'Hello.', state } as UserItem;
  expect(toUIMessages({ items: [item] }).map(({ id }) => id)).toEqual(isLoaded ? ['m1'] : []);
});
