import type { StoreCall } from '../../core/testing/memory-store.ts';

/** A call of the store, for the story of a history. */
export function nameOf(call: StoreCall): string {
  const { operation, key } = call;
  const at = key.sk === '-' ? key.pk : `${key.pk} ${key.sk}`;
  switch (operation) {
    case 'update':
      return `update ${at} ${describe(call.update.change)}`;
    case 'putIfAbsent':
      return `put if absent ${at}`;
    case 'keys':
    case 'query':
      return `${operation} ${at}…`;
    default:
      return `${operation} ${at}`;
  }
}

const describe = (changes: readonly { do: string; path: unknown }[]) =>
  `{${changes.map((change) => `${change.do} ${String(change.path)}`).join(', ')}}`;

export const abbreviated = (frame: string): string =>
  frame.length > 110 ? `${frame.slice(0, 110)}…` : frame;
