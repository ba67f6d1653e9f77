import { useCallback, useEffect, useState } from 'react';
import { keptHere } from './kept.ts';
import {
  hashOf,
  noteSession,
  readSessions,
  type SessionNote,
  sessionInHash,
  writeSessions,
} from './sessions.ts';

/** The shown session (from the address) and the known ones (from this browser). */
export function useSessions() {
  const [current, setCurrent] = useState(() => sessionInHash(location.hash) ?? crypto.randomUUID());
  const [notes, setNotes] = useState<readonly SessionNote[]>(() => readSessions(keptHere));

  useEffect(() => {
    // A new session's id is in the address from the start, so that a reload opens it.
    if (sessionInHash(location.hash) !== current) history.replaceState(null, '', hashOf(current));
  }, [current]);
  useEffect(() => {
    const follow = () => setCurrent(sessionInHash(location.hash) ?? crypto.randomUUID());
    const refresh = () => setNotes(readSessions(keptHere));
    addEventListener('hashchange', follow);
    addEventListener('storage', refresh);
    return () => {
      removeEventListener('hashchange', follow);
      removeEventListener('storage', refresh);
    };
  }, []);

  // Read again before each change: another tab may have written.
  const change = useCallback((next: (notes: readonly SessionNote[]) => SessionNote[]) => {
    const changed = next(readSessions(keptHere));
    writeSessions(keptHere, changed);
    setNotes(changed);
  }, []);
  const note = useCallback(
    (id: string, title: string) => change((known) => noteSession(known, { id, title, usedAt: Date.now() })),
    [change],
  );
  /** Without an id, a new one. */
  const open = useCallback((id: string = crypto.randomUUID()) => {
    location.hash = hashOf(id);
  }, []);
  const forget = useCallback(
    (id: string) => change((known) => known.filter((entry) => entry.id !== id)),
    [change],
  );
  return { current, notes, note, open, forget };
}
