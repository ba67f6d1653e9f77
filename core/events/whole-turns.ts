import type { EpochMs } from '../../config/units.ts';
import type { StoredEntry } from '../store/items.ts';

/**
 * DynamoDB removes expired items one by one, in any order, up to days late, and shows them until then. So a reader treats an
 * expired item as absent, and a turn of which an entry is missing as gone: half a turn could show a model a tool call without
 * its result (P13).
 */
export const hasExpired = ({ expires }: { expires: number }, now: EpochMs): boolean => expires * 1000 <= now;

/** What comes before and after the entries of a turn in the table. */
export interface Neighbours {
  /** Number of the entry before them; 0 if there is none before the first entry of a session. Undefined: not known. */
  below: number | undefined;
  /** Number of the entry after the turn's last one. Undefined: not known. */
  above: number | undefined;
}

/** Whether these are all entries of their turn, oldest first. */
export function isWhole(turn: readonly StoredEntry[], { below, above }: Neighbours): boolean {
  const [first, last] = [turn[0], turn.at(-1)];
  if (!first || !last) return false;
  // Without `first`, an entry of another turn directly before them shows that they begin it.
  const begins = first.first === undefined ? below === first.n - 1 : first.n === first.first;
  const ends = above === undefined || last.n === above - 1;
  return /* rule: transcript-has-whole-turns */ begins && ends && last.n - first.n === turn.length - 1;
}
