import { hasWords } from '../../client/display.ts';
import type { SessionNote } from './sessions.ts';

/** Sessions that were last used in the same time, under its name. */
export interface DatedSessions {
  label: string;
  notes: SessionNote[];
}

/**
 * Groups a list, last used first, by calendar days of the reader's time zone: two days, a week, a month, then each month.
 *
 * @param now milliseconds since the epoch
 */
export function byDate(notes: readonly SessionNote[], now: number): DatedSessions[] {
  const groups: DatedSessions[] = [];
  for (const note of notes) {
    const label = labelOf(note.usedAt, now);
    const last = groups.at(-1);
    if (last?.label === label) last.notes.push(note);
    else groups.push({ label, notes: [note] });
  }
  return groups;
}

function labelOf(usedAt: number, now: number): string {
  const days = daysBetween(usedAt, now);
  // A clock that is ahead of this one is no other day.
  if (days <= 0) return 'Today';
  if (days === 1) return 'Yesterday';
  if (days <= 7) return 'Previous 7 days';
  if (days <= 30) return 'Previous 30 days';
  return new Date(usedAt).toLocaleDateString('en', { month: 'long', year: 'numeric' });
}

const DAY_MS = 86_400_000;

/** Calendar days. Each is counted as 24 hours, also those on which the clocks change. */
function daysBetween(then: number, now: number): number {
  const dayOf = (at: number) => {
    const date = new Date(at);
    return Date.UTC(date.getFullYear(), date.getMonth(), date.getDate());
  };
  return (dayOf(now) - dayOf(then)) / DAY_MS;
}

/** The sessions whose title has these words, in any order. Case and accents do not count. */
export function withTitle<T extends Pick<SessionNote, 'title'>>(notes: readonly T[], search: string): T[] {
  return notes.filter(({ title }) => hasWords(title, search));
}
