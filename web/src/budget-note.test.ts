import { expect, it } from 'vitest';
import type { MessageState } from '../../client/index.ts';
import { asSentence, budgetNote } from './budget-note.ts';
import { messageNote } from './message-note.ts';

const refusedFor = (code: Extract<MessageState, { status: 'rejected' }>['code']): MessageState => ({
  status: 'rejected',
  code,
  message: 'in the words of the server',
  retryable: true,
});
const MIDNIGHT = Date.UTC(2026, 11, 1);
const at = (now: number) => ({ now, locale: 'en-GB', timeZone: 'Europe/Lisbon' });

it.each([
  [MIDNIGHT - 5 * 3_600_000, 'what you may use today is used up; you can go on at 00:00, in about 5 hours'],
  [MIDNIGHT - 3_600_000, 'what you may use today is used up; you can go on at 00:00, in about 1 hour'],
  [MIDNIGHT - 61_000, 'what you may use today is used up; you can go on at 00:00, in 2 minutes'],
  [MIDNIGHT - 1, 'what you may use today is used up; you can go on at 00:00, in 1 minute'],
  [MIDNIGHT, 'what you could use that day was used up; you can go on now'],
])('a spent budget says in plain words when it goes on (%i)', (now, words) => {
  expect(budgetNote(MIDNIGHT, at(now))).toBe(words);
});

it('is told in the time of whoever reads it, and as a sentence', () => {
  const note = budgetNote(MIDNIGHT, { now: MIDNIGHT - 60_000, locale: 'en-GB', timeZone: 'Asia/Tokyo' });
  expect(asSentence(note)).toBe('What you may use today is used up; you can go on at 09:00, in 1 minute.');
});

it('stands beside the message that was not taken', () => {
  const state = { status: 'rejected', code: 'BUDGET_EXCEEDED', message: 'x', retryable: true } as const;
  expect(messageNote({ ...state, until: 1 })).toContain('Not taken: what you could use that day was used up');
  expect(messageNote(state)).toBe('Not taken: what you may use today is used up');
});

it.each<[MessageState, string | undefined]>([
  [{ status: 'sending' }, 'Sending…'],
  [{ status: 'accepted', turnId: 't', placement: 'turn', position: 0 }, 'Accepted'],
  [
    { status: 'accepted', turnId: 't', placement: 'steering', position: 0 },
    'Accepted · steers at the next step',
  ],
  [{ status: 'queued', turnId: 't', position: 0 }, 'Queued · next turn'],
  [{ status: 'queued', turnId: 't', position: 1 }, 'Queued · 1 ahead'],
  [{ status: 'applied', turnId: 't', step: 1 }, undefined],
  [{ status: 'applied', turnId: 't', step: 2 }, 'Taken in at step 2'],
  [{ status: 'cancelled', reason: 'user' }, 'Withdrawn'],
  [refusedFor('STEERING_QUEUE_FULL'), 'Not taken: too many messages are waiting'],
  [refusedFor('LANE_LOST'), 'Not taken: the connection was lost, and it may not have arrived'],
  [refusedFor('OPTIONS_INVALID'), 'Not taken: in the words of the server'],
])('a message says what has become of it: %j', (state, note) => {
  expect(messageNote(state)).toBe(note);
});
