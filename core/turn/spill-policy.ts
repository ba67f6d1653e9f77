import { itemBytes, valueBytes, WRITE_UNIT_BYTES } from '../store/item-size.ts';
import type { Lane } from '../store/items.ts';
import type { Key } from '../store/keys.ts';
import { toStored } from '../store/stored-names.ts';

/** Estimated growth of the lane, in bytes, when a turn ends and the next short message opens one. */
const END_BYTES = 210;

/**
 * Whether the lane's events should be put into `EVENTS` now. A spill costs one write unit, and a lane that outgrows a
 * unit costs one more with every write, so events are spilled when the next commit would outgrow the unit.
 *
 * @param unspilled encoded events on the lane that are not in `EVENTS` yet
 * @param added how many of them the last commit added: the next one is taken to add as much
 * @param isAnswered the next commit is the turn's end, and the first writes of the next turn are billed for the lane too
 */
export function shouldSpill(
  key: Key<Lane>,
  lane: Lane,
  { unspilled, added, isAnswered }: { unspilled: readonly string[]; added: number; isAnswered: boolean },
): boolean {
  const others = itemBytes({ ...key, ...toStored({ ...lane, unspilled: [] }) });
  const room = WRITE_UNIT_BYTES - (others % WRITE_UNIT_BYTES);
  const next = isAnswered ? END_BYTES : valueBytes(unspilled.slice(unspilled.length - added));
  return valueBytes(unspilled) + next > room;
}
