import type { Lane } from '../store/items.ts';
import type { Change } from '../store/update.ts';
import { remove, set } from '../store/update.ts';
import type { LeasedTurn } from './leased-turn.ts';

/** Committed calls of this turn that are known not to have been started. */
export const unstartedCalls = ({ lane, id }: LeasedTurn): ReadonlySet<string> =>
  new Set(lane.unstarted?.turn === id ? lane.unstarted.calls : []);

/** Part of a commit: from now on exactly these calls are known not to have been started. */
export function leftUnstarted(turn: LeasedTurn, ids: Iterable<string>): Change<Lane> {
  const calls = [...new Set(ids)];
  return calls.length > 0 ? set('unstarted', { turn: turn.id, calls }) : remove('unstarted');
}
