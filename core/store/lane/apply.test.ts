import { describe, expect, it } from 'vitest';
import { epochMs, epochSeconds } from '../../../config/units.ts';
import { around } from '../../../test/support/text.ts';
import {
  asConnectionId,
  asLaneId,
  asMessageId,
  asSessionId,
  asTurnId,
  type MessageId,
  slotOf,
} from '../../ids.ts';
import { MemoryTable } from '../../testing/memory-store.ts';
import type { Lane, PendingMessage } from '../items.ts';
import { laneKey, sessionOf } from '../keys.ts';
import { removeApplied, removeUnfit } from './apply.ts';
import { emptyLane, MAX_PATHS } from './lane.ts';
import type { Then, When } from './lane-update.ts';

const SESSION = sessionOf({ tenant: 'acme', subject: 'ann' }, asSessionId('s'));
const KEY = laneKey(SESSION, asLaneId('lane'));
const TURN = asTurnId('t');
const [A, B, C, D] = ['a', 'b', 'c', 'd'].map(asMessageId) as [MessageId, MessageId, MessageId, MessageId];
const said = (turn = 'x', more: object = {}): PendingMessage => ({
  content: 'hello',
  turn: asTurnId(turn),
  at: epochMs(700),
  ...more,
});
const busy: Lane = {
  ...emptyLane(SESSION, asConnectionId('device'), epochSeconds(1000)),
  turn: TURN,
  slot: slotOf(TURN),
  lease: 'worker',
  ids: { [D]: 2 },
};

/** What the write makes of the lane; undefined: it is refused. */
function written(item: Lane, update: { when: When[]; change: Then[] }): Lane | undefined {
  const table = new MemoryTable();
  table.put(KEY, item);
  return table.update(KEY, update).ok ? table.get(KEY) : undefined;
}

describe('messages that are applied', () => {
  it('P6: leave the inbox with their bytes; how far the lane’s own client has counted, and whether they steered, is remembered', () => {
    const lane: Lane = {
      ...busy,
      inbox: {
        [A]: said('x', { order: 4 }),
        [B]: said('y', { order: 9, from: asLaneId('far') }),
        [C]: said(),
      },
      bytes: 15,
      lastOrder: 2,
    };
    for (const step of [1, 2, 3])
      expect(written(lane, removeApplied(lane, [A, B], [A], step))).toEqual({
        ...lane,
        inbox: { [C]: said() },
        ids: { [D]: 2, [A]: step === 1 ? 1 : 2 },
        bytes: 5,
        lastOrder: 4,
      });
    expect(
      written({ ...lane, lastOrder: 7 }, removeApplied({ ...lane, lastOrder: 7 }, [A], [A], 1))?.lastOrder,
    ).toBe(7);
    for (const meanwhile of [{ inbox: {} }, { ids: {} }])
      expect(written({ ...lane, ...meanwhile }, removeApplied(lane, [A], [A], 1))).toBeUndefined();
  });

  it('P1: and those that cannot be are withdrawn, with the field that does not fit as long as there is room for it', () => {
    const withPath = (count: number) =>
      Object.fromEntries(
        Array.from({ length: count }, (_, n) => [`o${n}`, { code: 'OPTIONS_INVALID' as const, path: 'p' }]),
      );
    for (const [n, count] of around(MAX_PATHS).entries()) {
      const lane: Lane = {
        ...busy,
        inbox: { [A]: said(), [B]: said('y', { from: asLaneId('far') }) },
        bytes: 10,
        undelivered: withPath(count),
      };
      const unfit = new Map([[A, { code: 'OPTIONS_INVALID', path: 'a.b' } as const]]);
      const left = written(lane, removeUnfit(lane, [B], unfit));
      expect(left).toMatchObject({ inbox: {}, bytes: 0, ids: { [D]: 2, [A]: 1 } });
      expect(left?.ids).not.toHaveProperty(B);
      expect(left?.undelivered[A]).toEqual({ code: 'OPTIONS_INVALID', ...(n < 1 && { path: 'a.b' }) });
    }
    const lane: Lane = { ...busy, inbox: { [B]: said('y', { from: asLaneId('far') }) }, bytes: 5 };
    const spent = new Map([[B, { code: 'BUDGET_EXCEEDED', until: epochMs(9) } as const]]);
    expect(written(lane, removeUnfit(lane, [], spent))?.undelivered).toEqual({
      [B]: { code: 'BUDGET_EXCEEDED', until: 9, from: 'far' },
    });
  });
});
