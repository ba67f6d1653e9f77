import type { Core } from '../core.ts';
import type { Lane, MessageOutcome } from '../store/items.ts';
import { laneKey, messageKey } from '../store/keys.ts';
import { knows } from '../store/lane/lane.ts';

/** A turn of a lane, where a message of another lane has set out to. Lane and turn have neither blanks in their ids. */
export interface ForwardTarget {
  laneId: string;
  turn: string;
}

export const formatForwardTarget = ({ laneId, turn }: ForwardTarget): string => `${laneId} ${turn}`;

export function parseForwardTarget(text: string): ForwardTarget {
  const [laneId = '', turn = ''] = text.split(' ');
  return { laneId, turn };
}

export type ForwardedState =
  /** Its outcome is known. */
  | { is: 'settled'; outcome: MessageOutcome }
  /** The lane knows it: it is pending there, or was taken in or withdrawn just now. */
  | { is: 'there'; lane: Lane }
  /** Not yet there, and the turn goes on: it may arrive. */
  | { is: 'under way' }
  /** It never arrived, and cannot any more: the turn is over. */
  | { is: 'nowhere' };

/**
 * What has become of a message that set out. The lane is read before the outcome: what a lane no longer knows has an outcome.
 * A message sets out to a turn that a worker has, and such a turn loses its worker only by its end, so "nowhere" stays
 * true: a late duplicate may open a turn of that id again, but nobody has it, and who claims it gives it another id.
 */
export async function findForwarded(
  core: Pick<Core, 'store'>,
  session: string,
  id: string,
  { laneId, turn }: ForwardTarget,
): Promise<ForwardedState> {
  const lane = await core.store.get(laneKey(session, laneId));
  const outcome = await core.store.get(messageKey(session, id));
  if (outcome) return { is: 'settled', outcome };
  if (lane && knows(lane, id)) return { is: 'there', lane };
  const goesOn = lane?.turn === turn && lane.lease !== undefined;
  return goesOn ? { is: 'under way' } : { is: 'nowhere' };
}
