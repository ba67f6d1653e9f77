import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { byDate, withTitle } from './session-dates.ts';

const at = (...[year, month, day, hour = 12]: [number, number, number, number?]) =>
  new Date(year, month - 1, day, hour).getTime();
const note = (usedAt: number) => ({ id: String(usedAt), title: '', usedAt });

describe('sessions by date', () => {
  it('a calendar day is another one from midnight on, not after 24 hours', () => {
    const used = [
      at(2026, 3, 30, 1),
      at(2026, 3, 29, 23),
      at(2026, 3, 28, 23),
      at(2026, 3, 23),
      at(2026, 3, 22),
    ];
    expect(
      byDate(used.map(note), at(2026, 3, 30, 2)).map(({ label, notes }) => [label, notes.length]),
    ).toEqual([
      ['Today', 1],
      ['Yesterday', 1],
      ['Previous 7 days', 2],
      ['Previous 30 days', 1],
    ]);
  });

  it('each of the last 40 days is under the name of its distance', () => {
    const days = Array.from({ length: 40 }, (_, ago) => at(2026, 3, 30 - ago));
    const labels = byDate(days.map(note), at(2026, 3, 30)).map(({ label, notes }) => [label, notes.length]);
    expect(labels).toEqual([
      ['Today', 1],
      ['Yesterday', 1],
      ['Previous 7 days', 6],
      ['Previous 30 days', 23],
      ['February 2026', 9],
    ]);
  });

  it('older ones are under their month', () => {
    const used = [at(2026, 1, 2), at(2025, 12, 31), at(2025, 12, 1), at(2024, 12, 1)];
    expect(byDate(used.map(note), at(2026, 3, 30)).map(({ label }) => label)).toEqual([
      'January 2026',
      'December 2025',
      'December 2024',
    ]);
  });

  it('a server whose clock is ahead has no sessions of tomorrow', () => {
    expect(byDate([note(at(2026, 3, 31))], at(2026, 3, 30)).map(({ label }) => label)).toEqual(['Today']);
  });

  it('each session is in one group, in its order, and no name comes twice', () => {
    const now = at(2026, 3, 30);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: now })), (used) => {
        const notes = used.sort((a, b) => b - a).map(note);
        const groups = byDate(notes, now);
        expect(groups.flatMap((group) => group.notes)).toEqual(notes);
        expect(new Set(groups.map(({ label }) => label)).size).toBe(groups.length);
      }),
    );
  });
});

describe('a search by title', () => {
  it.each([
    ['', ['Café in Łódź', 'Straße nach Rom', '']],
    ['cafe', ['Café in Łódź']],
    ['CAFÉ', ['Café in Łódź']],
    ['rom strasse', []],
    ['rom stra', ['Straße nach Rom']],
    ['caf rom', []],
  ])('%j', (search, found) => {
    const notes = ['Café in Łódź', 'Straße nach Rom', ''].map((title) => ({ title }));
    expect(withTitle(notes, search).map(({ title }) => title)).toEqual(found);
  });
});
