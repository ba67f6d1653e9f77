import type { Core } from '../core.ts';
import type { Fate, Lane } from '../store/items.ts';
import { laneKey, messageKey } from '../store/keys.ts';
import { knows } from '../store/lane-writes.ts';

/** A turn of a lane, where a message of another lane has set out to. Lane and turn have neither blanks in their ids. */
export interface Place {
  laneId: string;
  turn: string;
}

export const placeText = ({ laneId, turn }: Place): string => `${laneId} ${turn}`;

export function placeOf(text: string): Place {
  const [laneId = '', turn = ''] = text.split(' ');
  return { laneId, turn };
}

export type Whereabouts =
  /** Its fate is known. */
  | { is: 'settled'; fate: Fate }
  /** The lane knows it: it is pending there, or was taken in or withdrawn just now. */
  | { is: 'there'; lane: Lane }
  /** Not yet there, and the turn goes on: it may arrive. */
  | { is: 'under way' }
  /** It never arrived, and cannot any more: the turn is over. */
  | { is: 'nowhere' };

/**
 * What has become of a message that set out. The lane is read before the fate: what a lane no longer knows has a fate.
 * A message sets out to a turn that a worker has, and such a turn loses its worker only by its end, so "nowhere" stays
 * true: a late duplicate may open a turn of that id again, but nobody has it, and who claims it gives it another id.
 */
export async function lookFor(
  core: Pick<Core, 'store'>,
  session: string,
  id: string,
  { laneId, turn }: Place,
): Promise<Whereabouts> {
  const lane = await core.store.get(laneKey(session, laneId));
  const fate = await core.store.get(messageKey(session, id));
  if (fate) return { is: 'settled', fate };
  if (lane && knows(lane, id)) return { is: 'there', lane };
  const goesOn = lane?.turn === turn && lane.holder !== undefined;
  return goesOn ? { is: 'under way' } : { is: 'nowhere' };
}
