import { isId, shortened } from '../../client/display.ts';
import type { SessionInfo } from '../../client/index.ts';

/** A session as this browser stores it. The server stores the conversation. */
export interface SessionNote {
  id: string;
  title: string;
  /** Milliseconds since the epoch. */
  usedAt: number;
}

const KEY = 'midturn:sessions';
const MAX_SESSIONS = 50;
const MAX_TITLE = 60;

export function titleOf(content: string): string {
  const line = content.trim().split('\n', 1)[0]?.trim() ?? '';
  return shortened(line, MAX_TITLE);
}

/** Adds a session at the top. A known session keeps its first title. */
export function noteSession(notes: readonly SessionNote[], note: SessionNote): SessionNote[] {
  const known = notes.find(({ id }) => id === note.id);
  const others = notes.filter(({ id }) => id !== note.id);
  return [{ ...note, title: known?.title || note.title }, ...others].slice(0, MAX_SESSIONS);
}

/**
 * The rows of the list: the server's sessions, last used first, with this browser's titles for those without a name,
 * and the open session, which the server may not know yet. Before the server answers, the sessions that this browser
 * stores.
 */
export function shownSessions(
  notes: readonly SessionNote[],
  stored: readonly SessionInfo[] | undefined,
  current: string,
): SessionNote[] {
  if (!stored) return [...notes];
  const titles = new Map(notes.map(({ id, title }) => [id, title]));
  const shown = stored.map((info) => {
    const note = noteOf(info);
    return { ...note, title: note.title || (titles.get(note.id) ?? '') };
  });
  const open = notes.find(({ id }) => id === current);
  const isNew = open && !shown.some(({ id }) => id === current);
  return [...shown, ...(isNew ? [open] : [])].sort((a, b) => b.usedAt - a.usedAt);
}

/** As the server has it. */
export const noteOf = ({ sessionId, name = '', activeAt }: SessionInfo): SessionNote => ({
  id: sessionId,
  title: name,
  usedAt: activeAt,
});

export function readSessions(storage: Pick<Storage, 'getItem'>): SessionNote[] {
  const text = storage.getItem(KEY);
  if (!text) return [];
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) ? value.filter(isNote) : [];
  } catch {
    // Another program's value under our key: the list starts empty. The sessions are on the server.
    return [];
  }
}

export function writeSessions(storage: Pick<Storage, 'setItem'>, notes: readonly SessionNote[]): void {
  storage.setItem(KEY, JSON.stringify(notes));
}

function isNote(value: unknown): value is SessionNote {
  return (
    typeof value === 'object' &&
    value !== null &&
    'id' in value &&
    typeof value.id === 'string' &&
    isId(value.id) &&
    'title' in value &&
    typeof value.title === 'string' &&
    'usedAt' in value &&
    typeof value.usedAt === 'number'
  );
}

/** The session that the address names, so that a link or a reload opens it. */
export function sessionInHash(hash: string): string | undefined {
  const id = new URLSearchParams(hash.replace(/^#/, '')).get('session');
  return id && isId(id) ? id : undefined;
}

export function hashOf(id: string): string {
  return `#${new URLSearchParams({ session: id })}`;
}
