import { expect, it } from 'vitest';
import type { ChatState, TurnOutcome } from '../../client/index.ts';
import { newsBetween } from './announcer.tsx';

const idle: ChatState = {
  connection: { status: 'online' },
  sessionId: 's',
  name: undefined,
  limits: undefined,
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

it('a screen reader hears of beginnings, steering and ends, and nothing of the text', () => {
  expect(newsBetween(idle, answering(0))).toBe('Answering.');
  expect(newsBetween(answering(0), answering(1))).toBeUndefined();
  expect(newsBetween(answering(1), answering(1, 'a'))).toBeUndefined();
  expect(newsBetween(answering(1, 'a'), answering(1, 'a b'))).toBeUndefined();
  expect(newsBetween(answering(1), answering(2))).toBe('Your message was taken in at step 2.');
  expect(newsBetween(answering(2), ended({ result: 'aborted', by: 'user' }))).toBe('The answer was stopped.');
});
