import { expect, it } from 'vitest';
import { epochMs } from '../../config/units.ts';
import { asMessageId, asTurnId } from '../ids.ts';
import type { Entry } from './entries.ts';
import { withoutRefused, withoutUnchecked } from './refused.ts';

const user = (n: number, turn: string, id: string): Entry => ({
  n,
  turn: asTurnId(turn),
  role: 'user',
  id: asMessageId(id),
  content: id,
  at: epochMs(n),
  step: 1,
});
const said = (n: number, turn: string): Entry => ({
  n,
  turn: asTurnId(turn),
  role: 'assistant',
  content: 'said',
});
const ended = (n: number, turn: string, refused?: string[]): Entry => ({
  n,
  turn: asTurnId(turn),
  role: 'event',
  event: {
    type: 'error',
    seq: n,
    turn: asTurnId(turn),
    code: 'TURN_REFUSED',
    message: 'No.',
    retryable: false,
    first: 1,
    ...(refused && { refused: refused.map(asMessageId) }),
  },
});
const numbers = (entries: readonly Entry[]) => entries.map(({ n }) => n);

it('P11: prompts have no message that a hook refused, and a message of another turn with the same id stays', () => {
  const entries = [
    user(1, 'a', 'm1'),
    said(2, 'a'),
    user(3, 'a', 'm2'),
    ended(4, 'a', ['m2']),
    user(5, 'b', 'm2'),
  ];
  expect(numbers(withoutRefused(entries))).toEqual([1, 2, 4, 5]);
});

it('a fork that ends within a turn brings no message into prompts that its hook has refused or not seen', () => {
  const whole = [user(1, 'a', 'm1'), said(2, 'a'), ended(3, 'a'), user(4, 'b', 'm2'), ended(5, 'b')];
  expect(withoutUnchecked(whole)).toEqual(whole);
  // The origin's turn had two messages, and its end refused both.
  const cut = [...whole, user(6, 'c', 'm3')];
  expect(numbers(withoutUnchecked(cut))).toEqual([1, 2, 3, 4, 5]);
  // A model has read what it answered.
  const answered = [...whole, user(6, 'c', 'm3'), said(7, 'c'), user(8, 'c', 'm4')];
  expect(numbers(withoutUnchecked(answered))).toEqual([1, 2, 3, 4, 5, 6, 7]);
});

it('a message that stands last in a turn that was aborted, or failed before it was checked, is in no later prompt', () => {
  const endedBy = (n: number, turn: string, code: 'AGENT_ERROR' | 'PROVIDER_ERROR'): Entry => {
    const entry = ended(n, turn);
    if (entry.role !== 'event' || entry.event.type !== 'error') throw new Error('no end');
    return { ...entry, event: { ...entry.event, code } };
  };
  const aborted = (n: number, turn: string): Entry => ({
    n,
    turn: asTurnId(turn),
    role: 'event',
    event: { type: 'aborted', seq: n, turn: asTurnId(turn), by: 'user', first: 1 },
  });
  const entries = [
    ...[user(1, 'a', 'm1'), said(2, 'a'), user(3, 'a', 'm2'), aborted(4, 'a')],
    ...[user(5, 'b', 'm3'), endedBy(6, 'b', 'AGENT_ERROR')],
    ...[user(7, 'c', 'm4'), endedBy(8, 'c', 'PROVIDER_ERROR')],
  ];
  expect(numbers(withoutUnchecked(entries))).toEqual([1, 2, 4, 6, 7, 8]);
});
