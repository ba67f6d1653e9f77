import { expect, it } from 'vitest';
import type { ChatState, Item, TurnOutcome } from '../../client/index.ts';
import { type Announced, newsBetween } from './announcer.tsx';

const idle: ChatState = {
  connection: { status: 'online' },
  sessionId: 's',
  name: undefined,
  agent: undefined,
  agents: [],
  limits: undefined,
  trusted: [],
  items: [],
  pending: [],
  activeTurn: undefined,
  history: { status: 'loaded', more: false },
};
const answering = (step: number, said = ''): ChatState => ({
  ...idle,
  items: [{ kind: 'text', key: 'e1', turnId: 't1', content: said }],
  activeTurn: { turnId: 't1', step, startedAt: undefined, stopping: false },
});
const ended = (outcome: TurnOutcome): ChatState => ({
  ...idle,
  items: [{ kind: 'turn_end', key: 'e9', turnId: 't1', outcome }],
});

const online: ChatState['connection'] = { status: 'online' };
const lost: ChatState['connection'] = { status: 'waiting', retryAt: 0, attempt: 1 };
const refusals = (count: number): ChatState => ({
  ...idle,
  items: Array.from({ length: count }, (_, i) => ({
    kind: 'user',
    key: `${i}`,
    id: `${i}`,
    content: '',
    delivery: 'steer',
    withdrawing: false,
    state: { status: 'rejected', code: 'STEERING_QUEUE_FULL', message: '', retryable: true },
  })),
});

it('a screen reader hears of beginnings, steering and ends, and nothing of the text', () => {
  expect(newsBetween(idle, answering(0))).toBe('Answering.');
  expect(newsBetween(answering(0), answering(1))).toBeUndefined();
  expect(newsBetween(answering(1), answering(1, 'a'))).toBeUndefined();
  expect(newsBetween(answering(1, 'a'), answering(1, 'a b'))).toBeUndefined();
  expect(newsBetween(answering(1), answering(2))).toBe('Your message was taken in at step 2.');
  expect(newsBetween(answering(2), ended({ result: 'aborted', by: 'user' }))).toBe('The answer was stopped.');
});

const failed = (code: 'PROVIDER_ERROR' | 'BUDGET_EXCEEDED', turnId = 't1'): Item => ({
  kind: 'turn_end',
  key: `end ${turnId}`,
  turnId,
  outcome: { result: 'failed', code, message: 'No model.', retryable: true },
});
const done = (turnId: string): Item => ({
  kind: 'turn_end',
  key: `end ${turnId}`,
  turnId,
  outcome: { result: 'aborted', by: 'user' },
});

it('it hears why an answer has failed', () => {
  const heard = (item: Item) => newsBetween(answering(1), { ...idle, items: [item] });
  expect(heard(failed('PROVIDER_ERROR'))).toBe('The answer ended early. No model.');
  expect(heard(failed('BUDGET_EXCEEDED'))).toBe('The answer ended early. What you may use today is used up.');
});

it('it hears of the end of the answer that it listened to, also where the next one has begun', () => {
  const next: ChatState = {
    ...answering(0),
    activeTurn: { turnId: 't2', step: 0, startedAt: undefined, stopping: false },
  };
  expect(newsBetween(answering(1), { ...next, items: [done('t1')] })).toBe('The answer was stopped.');
  expect(newsBetween(answering(1), { ...idle, items: [done('t1'), failed('PROVIDER_ERROR', 't2')] })).toBe(
    'The answer was stopped.',
  );
  expect(newsBetween(answering(1), { ...idle, items: [] })).toBe('The answer is complete.');
});

it('it hears of a tool that asks', () => {
  const asking: ChatState = {
    ...answering(1),
    items: [
      {
        kind: 'approval',
        key: 'e2',
        turnId: 't1',
        requestId: 'r1',
        toolCallId: 'c1',
        tool: 'order',
        summary: '{}',
        arguments: {},
        offersAlways: true,
        timeoutSeconds: 120,
        decision: undefined,
        resolved: undefined,
      },
    ],
  };
  expect(newsBetween(answering(1), asking)).toBe('order asks for your approval.');
  const [first] = asking.items;
  if (first?.kind !== 'approval') throw new Error('Nothing is asked.');
  const answered: ChatState = { ...asking, items: [{ ...first, decision: 'approve' }] };
  expect(newsBetween(asking, answered)).toBeUndefined();
  const allowed: ChatState = {
    ...answering(1),
    items: [{ ...first, decision: 'approve', resolved: { reason: 'always', by: undefined } }],
  };
  expect(newsBetween(answering(1), allowed)).toBeUndefined();
  const second = { ...first, key: 'e3', requestId: 'r2', tool: 'pay' };
  expect(newsBetween(answered, { ...answered, items: [...answered.items, second] })).toBe(
    'pay asks for your approval.',
  );
  // In one frame with the answer to the first.
  expect(newsBetween(asking, { ...answered, items: [...answered.items, second] })).toBe(
    'pay asks for your approval.',
  );
});

it('it hears of a lost connection and of its return, and not of each attempt', () => {
  expect(newsBetween({ ...idle, connection: online }, { ...idle, connection: lost })).toMatch(/lost/);
  expect(
    newsBetween({ ...idle, connection: lost }, { ...idle, connection: { status: 'connecting' } }),
  ).toBeUndefined();
  expect(
    newsBetween({ ...idle, connection: { status: 'connecting' } }, { ...idle, connection: lost }),
  ).toBeUndefined();
  expect(
    newsBetween({ ...idle, connection: { status: 'connecting' } }, { ...idle, connection: online }),
  ).toBe('Connected.');
});

it('it hears once of many refusals', () => {
  expect(newsBetween(refusals(0), refusals(1))).toBe('A message was not taken.');
  expect(newsBetween(refusals(1), refusals(136))).toBe('135 messages were not taken.');
  expect(newsBetween(refusals(2), refusals(1))).toBeUndefined();
});

it('announces that an MCP server asks, once, by its name', () => {
  const asking: Announced = {
    ...answering(1),
    questions: [
      {
        requestId: 'r1',
        toolCallId: 'c1',
        tool: 'borrow',
        server: 'books\u202e',
        message: '',
        fields: [],
        timeoutSeconds: 60,
      },
    ],
  };
  expect(newsBetween(answering(1), asking)).toMatch(/^books[^\u202e]* asks you something\.$/);
  expect(newsBetween(asking, { ...asking })).toBeUndefined();
  const next = asking.questions?.map((question) => ({ ...question, requestId: 'r2', server: 'films' })) ?? [];
  expect(newsBetween(asking, { ...asking, questions: next })).toBe('films asks you something.');
  expect(newsBetween(asking, answering(1))).toBeUndefined();
});
