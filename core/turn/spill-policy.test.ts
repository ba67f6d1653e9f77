import { describe, expect, it } from 'vitest';
import { epochSeconds } from '../../config/units.ts';
import { textOfBytes } from '../../test/support/text.ts';
import { asConnectionId, asLaneId, asSessionId } from '../ids.ts';
import { itemBytes, WRITE_UNIT_BYTES } from '../store/item-size.ts';
import type { Lane } from '../store/items.ts';
import { laneKey, sessionOf } from '../store/keys.ts';
import { emptyLane } from '../store/lane/lane.ts';
import { toStored } from '../store/stored-names.ts';
import { shouldSpill } from './spill-policy.ts';

/** What an estimate may be off by. */
const SLACK = 8;
/** How much a lane grows when its turn ends and the next one begins. */
const END_BYTES = 210;
const SESSION = sessionOf({ tenant: 'acme', subject: 'ann' }, asSessionId('s'));
const key = laneKey(SESSION, asLaneId('lane'));
const empty = emptyLane(SESSION, asConnectionId('c'), epochSeconds(4_000_000_000));
const bytesOf = (lane: Lane) => itemBytes({ ...key, ...toStored(lane) });

/** The bytes of the first text with which the events are spilled. */
function firstSpilled(lane: Lane, unit: string, before: readonly string[], isAnswered: boolean): number {
  for (let bytes = 0; ; bytes++) {
    const unspilled = [...before, textOfBytes(bytes, unit)];
    if (shouldSpill(key, lane, { unspilled, added: 1, isAnswered })) return bytes;
  }
}

describe.each(['x', 'é', '€'])('the events of a lane, of %s,', (unit) => {
  /** The lane has other fields of so many bytes. */
  it.each([0, 500, 900, 2500])(
    'are spilled when the next commit, of as much as the last, would need another write unit: beside %d bytes',
    (others) => {
      const lane: Lane = { ...empty, lease: textOfBytes(others, unit) };
      const before = textOfBytes(30, unit);
      const first = firstSpilled(lane, unit, [before], false);
      const next = (bytes: number) => {
        const text = textOfBytes(bytes, unit);
        return bytesOf({ ...lane, unspilled: [before, text, text] });
      };
      const room = WRITE_UNIT_BYTES * Math.ceil(bytesOf(lane) / WRITE_UNIT_BYTES);
      expect(next(first - 1)).toBeLessThanOrEqual(room);
      expect(next(first)).toBeGreaterThan(room - SLACK);
    },
  );

  it('that are stored already and still on the lane take no room: the next commit removes them', () => {
    const lane: Lane = { ...empty, unspilled: [textOfBytes(400, unit)] };
    expect(firstSpilled(lane, unit, [], false)).toBe(firstSpilled(empty, unit, [], false));
  });

  it('are spilled before an end where the end and the beginning of the next turn would need another unit', () => {
    const first = firstSpilled(empty, unit, [], true);
    const next = bytesOf({ ...empty, unspilled: [textOfBytes(first, unit)] }) + END_BYTES;
    expect(next).toBeGreaterThan(WRITE_UNIT_BYTES - SLACK);
    expect(next).toBeLessThanOrEqual(WRITE_UNIT_BYTES + SLACK);
  });
});
