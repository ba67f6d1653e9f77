import type { Entry } from './entries.ts';

/**
 * What models read of a transcript: without the messages that a hook of the agent refused, or could not check. The end of their
 * turn names them.
 *
 * @param entries of whole turns
 */
export function withoutRefused(entries: readonly Entry[]): readonly Entry[] {
  const refused = new Set(
    entries.flatMap((entry) =>
      entry.role === 'event' && entry.event.type === 'error'
        ? (entry.event.refused ?? []).map((id) => keyOf(entry.turn, id))
        : [],
    ),
  );
  if (refused.size === 0) return entries;
  return entries.filter(
    (entry) =>
      /* rule: refused-message-in-no-prompt */ entry.role !== 'user' ||
      !refused.has(keyOf(entry.turn, entry.id)),
  );
}

/**
 * The same for an agent whose hook checks messages, of earlier turns. A fork can end within a turn: messages that stand last there, with
 * nothing behind them that a model said, may be refused in the origin, or not checked yet.
 */
export function withoutUnchecked(entries: readonly Entry[]): readonly Entry[] {
  /** Turns of which something is behind the entry that is looked at. */
  const goesOn = new Set<string>();
  return entries
    .toReversed()
    .filter(({ role, turn }) => {
      if (role === 'user') return goesOn.has(turn);
      goesOn.add(turn);
      return true;
    })
    .toReversed();
}

/** After a day, another turn may have a message with the same id. */
const keyOf = (turn: string, id: string): string => `${turn} ${id}`;
