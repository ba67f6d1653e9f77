import { addNote } from './notes.ts';
import type { HistoryEntry } from './protocol.ts';
import type { Item } from './state.ts';
import { resultOf } from './tool-output.ts';

/** Joins a page with the loaded entries: oldest first, each entry once, without the turns in `without`. */
export function joinEntries(
  loaded: readonly HistoryEntry[],
  page: readonly HistoryEntry[],
  without: ReadonlySet<string>,
): HistoryEntry[] {
  const byNumber = new Map<number, HistoryEntry>();
  for (const entry of [...loaded, ...page]) if (!without.has(entry.turn_id)) byNumber.set(entry.n, entry);
  return [...byNumber.values()].sort((a, b) => a.n - b.n);
}

/** The transcript as items: the same items that its events give, without thinking, which a transcript does not have. */
export function entryItems(entries: readonly HistoryEntry[]): Item[] {
  const items: Item[] = [];
  const calls = new Map<string, number>();
  for (const entry of entries) {
    const { turn_id: turnId } = entry;
    const key = `n${entry.n}`;
    switch (entry.role) {
      case 'user':
        items.push({
          kind: 'user',
          key: `user:${entry.id}`,
          id: entry.id,
          content: entry.content,
          delivery: 'steer',
          state: { status: 'applied', turnId, step: entry.step },
          withdrawing: false,
        });
        break;
      case 'assistant': {
        const last = items[items.length - 1];
        if (last?.kind === 'text' && last.turnId === turnId) {
          items[items.length - 1] = { ...last, content: last.content + entry.content };
        } else {
          items.push({ kind: 'text', key, turnId, content: entry.content });
        }
        break;
      }
      case 'tool_call':
        calls.set(`${turnId} ${entry.id}`, items.length);
        items.push({
          kind: 'tool',
          key,
          turnId,
          id: entry.id,
          name: entry.name,
          args: entry.args,
          progress: undefined,
          result: undefined,
        });
        break;
      case 'tool_result': {
        const { id, name } = entry;
        const shown = { progress: undefined, result: resultOf(entry) };
        const at = calls.get(`${turnId} ${id}`);
        const call = at === undefined ? undefined : items[at];
        if (at !== undefined && call?.kind === 'tool') items[at] = { ...call, ...shown };
        // The call is on an older page that is not loaded yet.
        else items.push({ kind: 'tool', key, turnId, id, name, args: null, ...shown });
        break;
      }
      case 'event':
        addNote(items, entry.event);
        break;
      default:
        // Each known role has a case above. An entry with a role of a newer server is not shown.
        entry satisfies never;
    }
  }
  return items;
}
