import { describe, expect, it } from 'vitest';
import { epochMs, epochSeconds } from '../../../config/units.ts';
import { around } from '../../../test/support/text.ts';
import {
  asConnectionId,
  asLaneId,
  asMessageId,
  asRequestId,
  asSessionId,
  asTurnId,
  slotOf,
} from '../../ids.ts';
import { MemoryTable } from '../../testing/memory-store.ts';
import type { Lane, PendingMessage } from '../items.ts';
import { laneKey, sessionOf } from '../keys.ts';
import { listening } from '../listening.ts';
import type { Update } from '../update.ts';
import { close } from './close.ts';
import { claim, commit } from './commit.ts';
import { listen, listenFrom, stopListening } from './connection.ts';
import { forgetForwarded, returnOutcome } from './forward.ts';
import { emptyLane, hasWorkFor, isClosed, knows, unclaimedSlot } from './lane.ts';
import { decide, give, requestAbort } from './request.ts';
import { rejectWaiting, withdrawPending } from './withdraw.ts';

const SESSION = sessionOf({ tenant: 'acme', subject: 'ann' }, asSessionId('s'));
const KEY = laneKey(SESSION, asLaneId('lane'));
const DEVICE = asConnectionId('device');
const TURN = asTurnId('t');
const SLOT = slotOf(TURN);
const LATER = epochSeconds(2000);
const A = asMessageId('a');
const R = asRequestId('r');
const said = (turn = 'x', more: object = {}): PendingMessage => ({
  content: '€',
  turn: asTurnId(turn),
  at: epochMs(1),
  ...more,
});
const empty = emptyLane(SESSION, DEVICE, epochSeconds(1000));
const busy: Lane = {
  ...empty,
  turn: TURN,
  slot: SLOT,
  since: epochMs(1),
  lease: 'worker',
  attempts: 2,
  seq: 5,
};

function written(item: Lane, update: Update<Lane>): Lane | undefined {
  const table = new MemoryTable();
  table.put(KEY, item);
  return table.update(KEY, update).ok ? table.get(KEY) : undefined;
}

describe('P8: a worker', () => {
  it('claims the slot that it has the job of, where nothing was committed since it looked', () => {
    const claimed = written(busy, claim(SLOT, 'new', 5, LATER));
    expect(claimed).toEqual({ ...busy, lease: 'new', attempts: 3, claims: 1, expires: LATER });
    expect(written({ ...busy, claims: 4 }, claim(SLOT, 'new', 5, LATER))?.claims).toBe(5);
    expect(written(busy, claim(slotOf(asTurnId('u')), 'new', 5, LATER))).toBeUndefined();
    for (const seq of [4, 6]) expect(written(busy, claim(SLOT, 'new', seq, LATER))).toBeUndefined();
  });

  it('commits with its lease, behind its own last commit', () => {
    const extension = {
      lease: 'worker',
      from: 5,
      to: 7,
      unspilled: ['a', 'b'],
      commitId: 'c',
      progress: true,
    };
    const committed = { ...busy, seq: 7, unspilled: ['a', 'b'], commitId: 'c' };
    expect(written(busy, commit(extension))).toEqual({ ...committed, attempts: 0 });
    expect(written(busy, commit({ ...extension, progress: false }))).toEqual(committed);
    expect(written({ ...busy, lease: 'another' }, commit(extension))).toBeUndefined();
    for (const seq of [4, 6, 7]) expect(written({ ...busy, seq }, commit(extension))).toBeUndefined();
    const { lease: _, ...released } = busy;
    expect(written(released, commit(extension))).toBeUndefined();
  });

  it('is stopped by a request that names its turn; one that nobody has cannot be', () => {
    const request = { turn: TURN, pending: 'discard', by: 'ann' } as const;
    expect(written(busy, requestAbort(request))?.cancel).toEqual(request);
    expect(written(busy, requestAbort({ ...request, turn: asTurnId('past') }))).toBeUndefined();
    const { lease: _, ...unclaimed } = busy;
    expect(written(unclaimed, requestAbort(request))).toBeUndefined();
  });
});

describe('P10: a request of a turn', () => {
  it('is decided once, while it is open', () => {
    const open = { ...busy, approvals: { [R]: 1 as const }, decisions: {} };
    const decision = { decision: 'always', by: 'ann', revocations: 2 } as const;
    expect(written(open, decide(R, decision))?.decisions).toEqual({ [R]: decision });
    expect(
      written({ ...open, decisions: { [R]: { decision: 'deny' } } }, decide(R, decision)),
    ).toBeUndefined();
    expect(written({ ...open, approvals: {} }, decide(R, decision))).toBeUndefined();
  });

  it('is answered once, while it is open', () => {
    const open = { ...busy, asked: { [R]: 1 as const }, outputs: {} };
    expect(written(open, give(R, { digest: 'd', isError: true }))?.outputs).toEqual({
      [R]: { digest: 'd', isError: true },
    });
    expect(
      written({ ...open, outputs: { [R]: { digest: 'first' } } }, give(R, { digest: 'd' })),
    ).toBeUndefined();
    expect(written({ ...open, asked: {} }, give(R, { digest: 'd' }))).toBeUndefined();
  });
});

describe('P1: a message that leaves its lane', () => {
  it('gives its bytes back, and what became of it stays, for the lane of its sender', () => {
    for (const [message, bytes] of [
      [said(), 3],
      [said('x', { context: '{"a":"é"}' }), 13],
      [said('x', { content: undefined, size: 40 }), 40],
    ] as const) {
      const lane: Lane = { ...busy, inbox: { [A]: message }, waiting: { [A]: message }, bytes: 100 };
      const gone = { bytes: 100 - bytes, ids: { [A]: 1 }, undelivered: { [A]: { code: 'cancelled' } } };
      expect(written(lane, withdrawPending(SESSION, 'inbox', A, message))).toEqual({
        ...lane,
        ...gone,
        inbox: {},
      });
      expect(written(lane, withdrawPending(SESSION, 'waiting', A, message))).toEqual({
        ...lane,
        ...gone,
        waiting: {},
      });
      expect(written(lane, rejectWaiting(A, message, 'cancelled'))).toEqual({
        ...lane,
        ...gone,
        waiting: {},
      });
    }
    const forwarded = said('x', { from: asLaneId('far') });
    expect(
      written({ ...busy, inbox: { [A]: forwarded } }, withdrawPending(SESSION, 'inbox', A, forwarded))
        ?.undelivered,
    ).toEqual({
      [A]: { code: 'cancelled', from: 'far' },
    });
    expect(written(busy, withdrawPending(SESSION, 'inbox', A, said()))).toBeUndefined();
    expect(
      written({ ...busy, inbox: { [A]: said() } }, rejectWaiting(A, said(), 'cancelled')),
    ).toBeUndefined();
  });

  it('comes back to the lane of its sender as an outcome, once', () => {
    const lane = { ...empty, forwarded: { [A]: 'p' } };
    const until = epochMs(9);
    expect(written(lane, returnOutcome(A, { code: 'BUDGET_EXCEEDED', until }))).toEqual({
      ...empty,
      undelivered: { [A]: { code: 'BUDGET_EXCEEDED' } },
      ids: { [A]: 1 },
    });
    expect(written(empty, returnOutcome(A, { code: 'cancelled' }))).toBeUndefined();
    expect(written(lane, forgetForwarded(A, 'q'))).toBeUndefined();
  });

  it('closes with its lane, at the last event that was read', () => {
    const lane: Lane = {
      ...busy,
      inbox: { [A]: said() },
      waiting: { [asMessageId('b')]: said('w') },
      bytes: 6,
    };
    const closed = written(lane, close(lane, 6, ['end']));
    const code = 'SESSION_DELETED';
    expect(closed).toMatchObject({
      inbox: {},
      waiting: {},
      bytes: 0,
      seq: 6,
      unspilled: ['end'],
      undelivered: { a: { code }, b: { code } },
    });
    expect(closed && isClosed(closed)).toBe(true);
    for (const meanwhile of [
      { seq: 6 },
      { inbox: {} },
      { waiting: {} },
      { ids: { [A]: 1 as const } },
      { undelivered: { [A]: { code } as const } },
    ])
      expect(written({ ...lane, ...meanwhile }, close(lane, 6, []))).toBeUndefined();
  });
});

describe('P9: who listens to a lane', () => {
  const state = (seq: number, isLive = false) => listening({ join: 1, seq, isLive });
  it('is known by the latest state', () => {
    for (const [n, stored] of around(state(5)).entries()) {
      const lane = { ...busy, audience: { [DEVICE]: stored } };
      expect(written(lane, listen(DEVICE, state(5)))?.audience[DEVICE]).toBe(n < 2 ? state(5) : undefined);
    }
    expect(
      written({ ...busy, audience: { [DEVICE]: 1, [asConnectionId('x')]: 2 } }, stopListening(DEVICE))
        ?.audience,
    ).toEqual({ x: 2 });
  });

  it('is live where it has all events of the slot that runs', () => {
    for (const [n, seq] of around(5).entries())
      expect(written(busy, listenFrom(DEVICE, state(seq, true), seq, SLOT)) === undefined).toBe(n === 0);
    expect(written(busy, listenFrom(DEVICE, state(5, true), 5, slotOf(asTurnId('u'))))).toBeUndefined();
  });
});

describe('what a lane says', () => {
  it('of a slot: whether it has work, and whether that has a worker', () => {
    const { lease: _, ...unclaimed } = busy;
    const waiting = { [A]: said('w') };
    const slot = slotOf(asTurnId('w'));
    expect([
      hasWorkFor(busy, SLOT),
      hasWorkFor(busy, slot),
      hasWorkFor({ ...busy, waiting }, slot),
      hasWorkFor(undefined, SLOT),
    ]).toEqual([true, false, true, false]);
    // A turn that follows in the same slot has begun.
    const next = { ...unclaimed, turn: asTurnId('u') };
    expect([busy, unclaimed, next, empty].map(unclaimedSlot)).toEqual([
      undefined,
      SLOT,
      undefined,
      undefined,
    ]);
  });

  it('of a message: whether it knows it, wherever it is, by its own name alone', () => {
    const places: Partial<Lane>[] = [
      { inbox: { [A]: said() } },
      { waiting: { [A]: said() } },
      { ids: { [A]: 1 } },
      { previousIds: { [A]: 2 } },
      { undelivered: { [A]: { code: 'cancelled' } } },
    ];
    for (const place of places) expect(knows({ ...empty, ...place }, A)).toBe(true);
    expect(knows({ ...empty, forwarded: { [A]: 'p' } }, A)).toBe(false);
    expect(knows(empty, asMessageId('constructor'))).toBe(false);
  });

  it('of itself: that it is closed if it has neither turn, lease nor message', () => {
    const closed = [
      empty,
      busy,
      { ...empty, lease: 'l' },
      { ...empty, inbox: { [A]: said() } },
      { ...empty, waiting: { [A]: said() } },
    ];
    expect(closed.map(isClosed)).toEqual([true, false, false, false, false]);
  });
});
