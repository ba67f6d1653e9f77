import { addText, addTool, showTool, takenItem } from './items.ts';
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
  for (const entry of entries) {
    const { turn_id: turnId } = entry;
    const head = { key: `n${entry.n}`, turnId };
    switch (entry.role) {
      case 'user':
        items.push(takenItem(entry, turnId, entry.step));
        break;
      case 'assistant':
        addText(items, head, 'text', entry.content);
        break;
      case 'tool_call':
        addTool(items, head, entry);
        break;
      case 'tool_result':
        // Its call may be on an older page that is not loaded yet.
        showTool(items, head, entry, { progress: undefined, result: resultOf(entry) });
        break;
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
