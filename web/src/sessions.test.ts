import { describe, expect, it } from 'vitest';
import {
  hashOf,
  noteSession,
  readSessions,
  sessionInHash,
  shownSessions,
  titleOf,
  writeSessions,
} from './sessions.ts';

function memory() {
  const items = new Map<string, string>();
  return {
    getItem: (key: string) => items.get(key) ?? null,
    setItem: (key: string, value: string) => void items.set(key, value),
  };
}

describe('sessions', () => {
  it('are listed newest first, each once, under their first title', () => {
    let notes = noteSession([], { id: 'a', title: 'first', usedAt: 1 });
    notes = noteSession(notes, { id: 'b', title: 'second', usedAt: 2 });
    notes = noteSession(notes, { id: 'a', title: 'another', usedAt: 3 });
    expect(notes).toEqual([
      { id: 'a', title: 'first', usedAt: 3 },
      { id: 'b', title: 'second', usedAt: 2 },
    ]);
  });

  it('are those of the server, under their names there, with the new one that is open', () => {
    const notes = [
      { id: 'a', title: 'as noted', usedAt: 9 },
      { id: 'gone', title: 'deleted elsewhere', usedAt: 8 },
      { id: 'new', title: 'just begun', usedAt: 7 },
    ];
    const info = (sessionId: string, activeAt: number, name?: string) => ({
      sessionId,
      name,
      createdAt: 0,
      activeAt,
      messageCount: 2,
      agent: undefined,
    });
    expect(shownSessions(notes, undefined, 'new')).toEqual(notes);
    const stored = [info('a', 5), info('b', 6, 'from another device')];
    expect(shownSessions(notes, stored, 'new')).toEqual([
      { id: 'new', title: 'just begun', usedAt: 7 },
      { id: 'b', title: 'from another device', usedAt: 6 },
      { id: 'a', title: 'as noted', usedAt: 5 },
    ]);
    expect(shownSessions(notes, stored, 'a').map(({ id }) => id)).toEqual(['b', 'a']);
  });

  it('survive storage, and what is not a list of sessions is no list', () => {
    const storage = memory();
    const notes = [{ id: 'a', title: 'first', usedAt: 1 }];
    writeSessions(storage, notes);
    expect(readSessions(storage)).toEqual(notes);
    storage.setItem('midturn:sessions', '{');
    expect(readSessions(storage)).toEqual([]);
    storage.setItem('midturn:sessions', '[{"id":"a b","title":"x","usedAt":1},7]');
    expect(readSessions(storage)).toEqual([]);
  });

  it.each<[string, unknown]>([
    ['no object', null],
    ['an id with a blank', { id: 'a b' }],
    ['an id of 65 characters', { id: 'a'.repeat(65) }],
    ['a number for an id', { id: 7 }],
    ['no title', { title: undefined }],
    ['a text for a time', { usedAt: '1' }],
  ])('are left out one by one where another program has written something else: %s', (_, wrong) => {
    const note = { id: 'a', title: 'first', usedAt: 1 };
    const storage = memory();
    const bad = wrong === null ? null : { ...note, ...(wrong as object) };
    storage.setItem('midturn:sessions', JSON.stringify([note, bad]));
    expect(readSessions(storage)).toEqual([note]);
  });

  it('are kept up to fifty: the one that was used longest ago makes place', () => {
    let notes: ReturnType<typeof noteSession> = [];
    for (let n = 1; n <= 51; n++) notes = noteSession(notes, { id: `s${n}`, title: `title ${n}`, usedAt: n });
    expect(notes.map(({ id }) => id)).toEqual(Array.from({ length: 50 }, (_, n) => `s${51 - n}`));
  });

  it('get a title once they have one to get', () => {
    const untitled = noteSession([], { id: 'a', title: '', usedAt: 1 });
    expect(noteSession(untitled, { id: 'a', title: 'at last', usedAt: 2 })[0]?.title).toBe('at last');
  });

  it('are found again in the address', () => {
    expect(sessionInHash(hashOf('a&b=c'))).toBe('a&b=c');
    expect(sessionInHash('')).toBeUndefined();
    expect(sessionInHash('#session=a%20b')).toBeUndefined();
  });

  it('are titled by the first line of what was said, shortened', () => {
    expect(titleOf('  Hello\nworld ')).toBe('Hello');
    expect(titleOf('x'.repeat(80))).toHaveLength(60);
  });
});
