import fc from 'fast-check';
import { expect, test } from 'vitest';
import { asTurnId } from '../ids.ts';
import { nextStep, type TurnState } from './next-step.ts';

/** A turn between two model calls, with time left and nothing to heed. */
const running: TurnState = {
  needsNewId: false,
  hasBegun: true,
  isGivenUp: false,
  isLost: false,
  abort: undefined,
  unansweredCalls: [],
  agent: 'ready',
  pending: 0,
  isAnswered: false,
  isTimeShort: false,
};
const abort = { turn: asTurnId('t'), pending: 'keep', by: 'c' } as const;
const calls = [{ id: 'call', name: 'tool', args: {} }];

const cases: readonly [title: string, change: Partial<TurnState>, type: string][] = [
  ['a turn calls its model', {}, 'call-model'],
  ['P6: pending messages are applied before a model call', { pending: 1 }, 'apply-inbox'],
  ['P6, P7: a message behind a finished answer is applied', { pending: 1, isAnswered: true }, 'apply-inbox'],
  ['an answered turn without pending messages ends', { isAnswered: true }, 'end-answered'],
  ['an answered turn ends although time is short', { isAnswered: true, isTimeShort: true }, 'end-answered'],
  ['a turn begins with its messages', { hasBegun: false, pending: 2 }, 'apply-inbox'],
  ['a turn begins although time is short', { hasBegun: false, pending: 1, isTimeShort: true }, 'apply-inbox'],
  [
    'P11: of several agents, a session is given one before a turn begins',
    { agent: 'unchosen', hasBegun: false, pending: 1 },
    'choose-agent',
  ],
  [
    'the messages of a session whose agent is gone are not applied',
    { agent: 'gone', hasBegun: false, pending: 1 },
    'choose-agent',
  ],
  [
    'a turn whose agent is gone runs no tool of another one',
    { agent: 'gone', unansweredCalls: calls, pending: 1 },
    'end-unserved',
  ],
  ['an abort comes before the end of a turn whose agent is gone', { agent: 'gone', abort }, 'abort'],
  ['P2: a turn whose messages were all withdrawn leaves no trace', { hasBegun: false }, 'end-unbegun'],
  ['an abort comes before pending messages', { abort, pending: 1 }, 'abort'],
  ['an abort comes before open calls', { abort, unansweredCalls: calls }, 'abort'],
  [
    'P13: open calls get results before messages are applied',
    { unansweredCalls: calls, pending: 1 },
    'settle-calls',
  ],
  ['without time the next invocation applies the messages', { pending: 1, isTimeShort: true }, 'hand-over'],
  ['a turn that is given up runs no tool again', { isGivenUp: true, unansweredCalls: calls }, 'give-up'],
  [
    'P1: a turn that cannot begin rejects its messages',
    { isGivenUp: true, hasBegun: false, pending: 1 },
    'reject-pending',
  ],
  ['P1: a turn that cannot be given up is abandoned', { isGivenUp: true, isLost: true, abort }, 'abandon'],
  [
    'nothing follows a turn’s last event, not even an abort',
    { needsNewId: true, abort, pending: 1 },
    'renew',
  ],
];

test.each(cases)('%s', (_, change, type) => {
  expect(nextStep({ ...running, ...change }).type).toBe(type);
});

test('P6, P13: no state calls the model past an open call, a pending message, an abort or an end', () => {
  const states = fc.record({
    needsNewId: fc.boolean(),
    hasBegun: fc.boolean(),
    isGivenUp: fc.boolean(),
    isLost: fc.boolean(),
    abort: fc.constantFrom(undefined, abort),
    unansweredCalls: fc.constantFrom([], calls),
    agent: fc.constantFrom('ready' as const, 'unchosen' as const, 'gone' as const),
    pending: fc.nat(3),
    isAnswered: fc.boolean(),
    isTimeShort: fc.boolean(),
  });
  fc.assert(
    fc.property(states, (state) => {
      if (nextStep(state).type === 'call-model') expect(state).toEqual(running);
    }),
  );
});
