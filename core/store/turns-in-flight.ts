import type { EpochSeconds } from '../../config/units.ts';
import type { SlotId } from '../ids.ts';
import type { TurnJob } from '../ports.ts';
import type { TurnsInFlight } from './items.ts';
import type { Update } from './update.ts';
import { any, exists, remove, set, setIfAbsent, sizeBelow } from './update.ts';

/** The writes on a count of turns. Both are idempotent. */

export const firstPlace = ({ session, lane, slot }: TurnJob, expires: EpochSeconds): TurnsInFlight => ({
  slots: { [slot]: { session, lane } },
  expires,
});

/**
 * Gives a slot a place, if there is room or it has one already. Functions that open slots at the same time are put in order
 * by DynamoDB, so there are never more places than `limit`. The writer recognises its success by the slot.
 */
export const takePlace = (
  { session, lane, slot }: TurnJob,
  limit: number,
  expires: EpochSeconds,
): Update<TurnsInFlight> => ({
  when: [
    exists('slots'),
    // rule: turns-in-flight-have-room
    any(exists(['slots', slot]), sizeBelow('slots', limit)),
  ],
  change: [setIfAbsent(['slots', slot], { session, lane }), set('expires', expires)],
});

/** Gives a place back. Refused if the slot has none. */
export const leavePlace = (slot: SlotId): Update<TurnsInFlight> => ({
  when: [exists(['slots', slot])],
  change: [remove(['slots', slot])],
});
