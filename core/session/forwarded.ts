import type { Core } from '../core.ts';
import { asLaneId, asTurnId, type LaneId, type MessageId, type SessionKey, type TurnId } from '../ids.ts';
import type { Lane, MessageOutcome } from '../store/items.ts';
import { laneKey, messageKey } from '../store/keys.ts';
import { knows } from '../store/lane/lane.ts';

/** The turn of another lane that a message was forwarded to. Neither id contains a blank. */
export interface ForwardTarget {
  laneId: LaneId;
  turn: TurnId;
}

export const formatForwardTarget = ({ laneId, turn }: ForwardTarget): string => `${laneId} ${turn}`;

export function parseForwardTarget(text: string): ForwardTarget {
  const [laneId = '', turn = ''] = text.split(' ');
  return { laneId: asLaneId(laneId), turn: asTurnId(turn) };
}

export type ForwardedState =
  /** Its outcome is known. */
  | { is: 'settled'; outcome: MessageOutcome }
  /** The lane knows it: it is pending there, or was just applied or withdrawn. */
  | { is: 'there'; lane: Lane }
  /** It is not there yet and the turn goes on: it may arrive. */
  | { is: 'under way' }
  /** It never arrived and cannot any more, because the turn is over. */
  | { is: 'nowhere' };

/**
 * Finds what became of a forwarded message. The lane is read before the outcome, because a message that the lane no longer
 * knows has an outcome.
 *
 * A message is forwarded to a turn that has a worker, and such a turn loses its lease only when it ends. So `nowhere` stays
 * true: a late duplicate may open a turn of that id again, but without a lease, and the worker that claims it renews the id.
 */
export async function findForwarded(
  core: Pick<Core, 'store'>,
  session: SessionKey,
  id: MessageId,
  { laneId, turn }: ForwardTarget,
): Promise<ForwardedState> {
  const lane = await core.store.get(laneKey(session, laneId));
  const outcome = await core.store.get(messageKey(session, id));
  if (outcome) return { is: 'settled', outcome };
  if (lane && knows(lane, id)) return { is: 'there', lane };
  const goesOn = lane?.turn === turn && lane.lease !== undefined;
  return /* rule: return-after-target-turn-ended */ goesOn ? { is: 'under way' } : { is: 'nowhere' };
}
