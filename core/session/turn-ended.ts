import type { Core } from '../core.ts';
import { isEnd, type TurnEvent } from '../events/events.ts';
import type { LaneId, SessionKey } from '../ids.ts';

/**
 * Asks for what follows the end of a turn beside the session's turns: hooks of the agent's code. A worker that dies between the commit
 * of an end and this has not asked: its successor finds the end on the lane, and asks again.
 *
 * @throws if the queue fails
 */
export async function askForFollowUps(
  { queues }: Pick<Core, 'queues'>,
  session: SessionKey,
  lane: LaneId,
  events: readonly TurnEvent[],
): Promise<void> {
  for (const event of events)
    if (isEnd(event) && event.facts?.followed)
      await queues.sendEnded({ session, lane, turn: event.turn, first: event.first }, event.turn);
}
