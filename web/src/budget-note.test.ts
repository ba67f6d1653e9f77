import { expect, it } from 'vitest';
import { asSentence, budgetNote } from './budget-note.ts';
import { messageNote } from './message-note.ts';

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
