import type { ErrorCode } from '../../protocol/errors.ts';
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
 * The same for an agent whose hook checks messages, of earlier turns: without those that no model has answered and no hook may have seen.
 * They stand last in a turn that was aborted, that failed before its model was called, or within which a fork ends: in the origin they may
 * be refused.
 */
export function withoutUnchecked(entries: readonly Entry[]): readonly Entry[] {
  /** Turns of which something is behind the entry that is looked at that comes of a check. */
  const goesOn = new Set<string>();
  return entries
    .toReversed()
    .filter((entry) => {
      if (entry.role === 'user') return goesOn.has(entry.turn);
      if (followsCheck(entry)) goesOn.add(entry.turn);
      return true;
    })
    .toReversed();
}

/** Whether the messages before it were checked: a model was called, or its call was all that was left to do. */
const followsCheck = (entry: Entry): boolean =>
  entry.role !== 'event' ||
  entry.event.type === 'done' ||
  (entry.event.type === 'error' && !CAN_COME_BEFORE[entry.event.code]);

/** How a turn can fail before its messages are checked. A hook may be what killed the workers of one that is given up. */
const CAN_COME_BEFORE: { [code in ErrorCode]?: true } = {
  AGENT_ERROR: true,
  AGENT_UNAVAILABLE: true,
  INTERNAL: true,
  SESSION_DELETED: true,
};

/** After a day, another turn may have a message with the same id. */
const keyOf = (turn: string, id: string): string => `${turn} ${id}`;
