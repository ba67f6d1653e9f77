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
