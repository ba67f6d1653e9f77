import type { Lane } from '../store/items.ts';
import type { Change } from '../store/update.ts';
import { remove, set } from '../store/update.ts';
import type { Hold } from './hold.ts';

/** Calls of this turn that are known not to have run, though they are committed. */
export const unstartedCalls = ({ lane, turn }: Hold): ReadonlySet<string> =>
  new Set(lane.unstarted?.turn === turn ? lane.unstarted.calls : []);

/** Part of a commit: from now on these are known not to have run, and no others. */
export function leftUnstarted({ turn }: Hold, ids: Iterable<string>): Change<Lane> {
  const calls = [...new Set(ids)];
  return calls.length > 0 ? set('unstarted', { turn, calls }) : remove('unstarted');
}
