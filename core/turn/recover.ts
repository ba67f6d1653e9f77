import type { Core } from '../core.ts';
import { decodeEvents, mergeEvents, type TurnEvent } from '../events/events.ts';
import { byTurn, readEvents } from '../events/journal.ts';
import { asTurnId } from '../ids.ts';
import { isDeleted } from '../session/sessions.ts';
import type { Lane, Session } from '../store/items.ts';
import { TurnLog } from './turn-log.ts';

/** Of a lane that has no turn: no event has this id. */
export const NO_TURN = asTurnId('');

/** What is known of a claimed lane's turn. */
export interface Recovered {
  log: TurnLog;
  /** Events that the session does not count yet. */
  left: readonly TurnEvent[];
  /** All events since the lane's last turn began. */
  stored: readonly TurnEvent[];
  /** The events of other turns in `left`, by turn. */
  others: readonly (readonly TurnEvent[])[];
}

/**
 * Reads what an earlier worker committed and may not have completed. All of it is a function of the events up to `lane.seq`,
 * and nothing of it is exclusive: entries are written again, events are posted again (P4, P8).
 *
 * @param lane the lane as claimed
 * @returns undefined if the session is being deleted
 */
export async function recover(core: Core, lane: Lane, sessionItem: Session): Promise<Recovered | undefined> {
  const unspilled = decodeEvents(lane.unspilled);
  const left = unspilled.filter((event) => event.seq > sessionItem.seq);
  const { begun, turn = NO_TURN, session } = lane;
  if (!begun || (left.length === 0 && begun.turn !== turn)) {
    return { log: new TurnLog(), left: [], stored: [], others: [] };
  }
  // A worker that was slow to read finds events that its successors have spilled. They are not of the lane that it claimed.
  const stored = mergeEvents(await readEvents(core, session, begun.seq), unspilled).filter(
    ({ seq }) => /* rule: recovered-as-claimed */ seq <= lane.seq,
  );
  const count = stored.filter(({ seq }) => seq >= begun.seq).length;
  // Otherwise some have expired, were refused by the store, or were removed with the session.
  const isWhole = count > lane.seq - begun.seq;
  if (!isWhole && (await isDeleted(core, session))) return undefined;
  // Without one of its events a turn has another prompt and other entries: it does not go on, and writes none.
  const turns = byTurn(/* rule: turn-with-a-hole-is-lost */ isWhole ? stored : []);
  const others = [...new Set(left.map((event) => event.turn))]
    .filter((id) => id !== turn)
    .map((id) => turns.get(id) ?? []);
  return { log: new TurnLog(turns.get(turn)), left, stored, others };
}
