import { describe, expect, it } from 'vitest';
import { readLimits } from '../../../config/settings/limits.ts';
import { epochMs, epochSeconds } from '../../../config/units.ts';
import { around } from '../../../test/support/text.ts';
import {
  asConnectionId,
  asLaneId,
  asMessageId,
  asRequestId,
  asSessionId,
  asTurnId,
  type MessageId,
  slotOf,
} from '../../ids.ts';
import { MemoryTable } from '../../testing/memory-store.ts';
import type { Lane, PendingMessage } from '../items.ts';
import { laneKey, sessionOf } from '../keys.ts';
import { listening } from '../listening.ts';
import type { Update } from '../update.ts';
import { type Acceptance, accept, acceptWaiting } from './accept.ts';
import { close } from './close.ts';
import { claim, commit } from './commit.ts';
import { adopt, listen, listenFrom, stopListening } from './connection.ts';
import { endAnswered, endDiscardingPending, endKeepingPending } from './end.ts';
import {
  acceptForwarded,
  acceptReturned,
  forgetForwarded,
  forwardMessage,
  returnOutcome,
} from './forward.ts';
import { emptyLane } from './lane.ts';
import type { Then, When } from './lane-update.ts';
import { decide, give, requestAbort } from './request.ts';
import { forgetUndelivered, rejectUnclaimed, rejectWaiting, withdrawPending } from './withdraw.ts';

const SESSION = sessionOf({ tenant: 'acme', subject: 'ann' }, asSessionId('s'));
const STRANGER = sessionOf({ tenant: 'acme', subject: 'bob' }, asSessionId('s'));
const LANE = asLaneId('lane');
const KEY = laneKey(SESSION, LANE);
const DEVICE = asConnectionId('device');
const EXPIRES = epochSeconds(1000);
const LATER = epochSeconds(2000);
const NOW = epochMs(700);
const TURN = asTurnId('t');
const [A, B, C, D] = ['a', 'b', 'c', 'd'].map(asMessageId) as [MessageId, MessageId, MessageId, MessageId];
const R = asRequestId('r');
const said = (turn = 'x', more: object = {}): PendingMessage => ({
  content: 'hello',
  turn: asTurnId(turn),
  at: NOW,
  ...more,
});

const empty = emptyLane(SESSION, DEVICE, EXPIRES);
/** A lane in the middle of a turn, which has all that a turn can have. */
const busy: Lane = {
  ...empty,
  turn: TURN,
  slot: slotOf(TURN),
  since: epochMs(1),
  lease: 'worker',
  claims: 2,
  commitId: 'commit',
  attempts: 1,
  begun: { turn: TURN, seq: 3, entry: 2, at: epochMs(2) },
  usage: { steps: 1, lastInputTokens: 1, answered: true, inputTokens: 1, outputTokens: 1 } as NonNullable<
    Lane['usage']
  >,
  unstarted: { turn: TURN, calls: ['c'] },
  approvals: { [R]: 1 },
  decisions: {},
  asked: { [asRequestId('q')]: 1 },
  outputs: {},
  cancel: { turn: TURN, pending: 'keep', by: 'ann' },
  audience: { [DEVICE]: listening({ join: 1, seq: 2, isLive: true }) },
  seq: 5,
  entry: 4,
  unspilled: ['one'],
  ids: { [D]: 2 },
  previousIds: { [asMessageId('past')]: 1 },
};
/** What is left when the turn is over. */
const {
  turn: _turn,
  slot: _slot,
  since: _since,
  lease: _lease,
  claims: _claims,
  usage: _usage,
  unstarted: _unstarted,
  approvals: _approvals,
  decisions: _decisions,
  asked: _asked,
  outputs: _outputs,
  cancel: _cancel,
  ...over
} = busy;

function written(item: Lane | undefined, update: Update<Lane>): Lane | undefined {
  const table = new MemoryTable();
  if (item) table.put(KEY, item);
  const { ok } = table.update(KEY, update);
  if (!ok) expect(table.get(KEY)).toEqual(item);
  return ok ? table.get(KEY) : undefined;
}
const asUpdate = ({ when, change }: { when: When[]; change: Then[] }): Update<Lane> => ({ when, change });

const acceptance = (id: MessageId, message = said(), more: Partial<Acceptance> = {}): Acceptance => ({
  session: SESSION,
  id,
  message,
  limits: readLimits({}),
  now: NOW,
  expires: LATER,
  ...more,
});

describe('P12: a write on a lane', () => {
  it.each<[string, Lane, Update<Lane>]>([
    ['accept', empty, accept(acceptance(A))],
    ['accept for later', busy, acceptWaiting(acceptance(A))],
    ['accept what was forwarded', busy, acceptForwarded(acceptance(A), TURN)],
    ['accept what came back', { ...empty, forwarded: { [A]: 'p' } }, acceptReturned(acceptance(A), 'p')],
    ['forward', empty, forwardMessage(acceptance(A), 'p', undefined)],
    ['forget what was forwarded', { ...empty, forwarded: { [A]: 'p' } }, forgetForwarded(A, 'p')],
    ['return an outcome', { ...empty, forwarded: { [A]: 'p' } }, returnOutcome(A, { code: 'cancelled' })],
    ['withdraw', { ...busy, inbox: { [A]: said() } }, withdrawPending(SESSION, 'inbox', A, said())],
    ['reject', { ...empty, waiting: { [A]: said() } }, rejectWaiting(A, said(), 'SESSION_QUEUE_FULL')],
    ['forget an outcome', { ...empty, undelivered: { [A]: { code: 'cancelled' } } }, forgetUndelivered(A)],
    ['adopt', empty, adopt(SESSION, asConnectionId('new'))],
    ['listen', empty, listen(DEVICE, 7)],
    ['listen from', busy, listenFrom(DEVICE, listening({ join: 1, seq: 5, isLive: true }), 5, slotOf(TURN))],
    ['stop listening', busy, stopListening(DEVICE)],
    ['abort', busy, requestAbort({ turn: TURN, pending: 'keep', by: 'ann' })],
    ['decide', busy, decide(R, { decision: 'deny' })],
    ['give', busy, give(asRequestId('q'), { digest: 'd' })],
    ['claim', busy, claim(slotOf(TURN), 'new', 5, LATER)],
    [
      'commit',
      busy,
      commit({ lease: 'worker', from: 5, to: 6, unspilled: [], commitId: 'c', progress: true }),
    ],
    ['close', busy, close(busy, 6, [])],
  ])('%s: is made of one that is there, and makes none', (_, item, update) => {
    expect(written(item, update)).toBeDefined();
    expect(written(undefined, update)).toBeUndefined();
  });

  it.each<[string, Update<Lane>]>([
    ['accept', accept(acceptance(A, said(), { session: STRANGER }))],
    ['withdraw', withdrawPending(STRANGER, 'inbox', B, said())],
    ['adopt', adopt(STRANGER, DEVICE)],
  ])('%s: is refused for another session', (_, update) => {
    expect(written({ ...empty, inbox: { [B]: said() } }, update)).toBeUndefined();
  });

  it('adopt: is refused for the lane of the application, which has no connection', () => {
    expect(written(emptyLane(SESSION, undefined, EXPIRES), adopt(SESSION, DEVICE))).toBeUndefined();
  });
});

describe('P10: a message is accepted once', () => {
  it.each<[string, Partial<Lane>]>([
    ['pending', { inbox: { [A]: said() } }],
    ['waiting', { waiting: { [A]: said() } }],
    ['in the turn', { ids: { [A]: 1 } }],
    ['in the turn before', { previousIds: { [A]: 1 } }],
    ['withdrawn', { undelivered: { [A]: { code: 'cancelled' } } }],
    ['forwarded', { forwarded: { [A]: 'p' } }],
  ])('not when it is %s', (_, known) => {
    for (const [item, update] of [
      [empty, accept(acceptance(A))],
      [empty, accept(acceptance(A), true)],
      [busy, accept(acceptance(A))],
      [busy, acceptWaiting(acceptance(A))],
      [busy, acceptForwarded(acceptance(A), TURN)],
      [empty, forwardMessage(acceptance(A), 'p', undefined)],
    ] as const)
      expect(written({ ...item, ...known }, update)).toBeUndefined();
  });

  it('where it came back from the place that it was forwarded to, and from no other', () => {
    const item = { ...empty, forwarded: { [A]: 'p', [B]: 'p' } };
    expect(written(item, acceptReturned(acceptance(A), 'p'))).toMatchObject({
      inbox: { [A]: said() },
      turn: 'x',
      slot: 'x',
      since: NOW,
      bytes: 5,
      forwarded: { [B]: 'p' },
    });
    expect(written(item, acceptReturned(acceptance(A), 'q'))).toBeUndefined();
    expect(written(item, acceptReturned(acceptance(C), 'p'))).toBeUndefined();
  });
});

describe('a message that is accepted', () => {
  it('opens a turn if there is none, steers the one in flight, or waits for one of its own', () => {
    const opened = { inbox: { [A]: said() }, turn: TURN, slot: TURN, since: NOW, bytes: 5, expires: LATER };
    expect(written(empty, accept(acceptance(A, said('t'))))).toEqual({
      ...empty,
      ...opened,
      inbox: { [A]: said('t') },
    });
    const steers = written(busy, accept(acceptance(A)));
    expect(steers).toEqual({ ...busy, inbox: { [A]: said() }, bytes: 5, expires: LATER });
    expect(written(busy, acceptWaiting(acceptance(A)))).toEqual({
      ...busy,
      waiting: { [A]: said() },
      bytes: 5,
      expires: LATER,
    });
    expect(written(busy, accept(acceptance(A), true))).toBeUndefined();
    expect(written(empty, acceptWaiting(acceptance(A)))).toBeUndefined();
  });

  it('P7: that was forwarded steers the turn that it was forwarded to, while a worker has that', () => {
    expect(written(busy, acceptForwarded(acceptance(A), TURN))).toEqual({
      ...busy,
      inbox: { [A]: said() },
      bytes: 5,
      expires: LATER,
    });
    expect(written(busy, acceptForwarded(acceptance(A), asTurnId('past')))).toBeUndefined();
    const { lease: _, ...unclaimed } = busy;
    expect(written(unclaimed, acceptForwarded(acceptance(A), TURN))).toBeUndefined();
  });

  it('P6: that is forwarded counts on the lane of its sender, unless that has counted further', () => {
    const forward = (item: Lane, order: number | undefined, counted: number | undefined) =>
      written(
        item,
        forwardMessage(acceptance(A, said('x', order === undefined ? {} : { order })), 'p', counted),
      )?.lastOrder;
    for (const order of [1, 3]) expect(forward(empty, order, undefined)).toBe(order);
    expect(forward(empty, undefined, undefined)).toBeUndefined();
    expect(forward({ ...empty, lastOrder: 5 }, 3, 5)).toBe(5);
    expect(forward({ ...empty, lastOrder: 5 }, 6, 5)).toBe(6);
    // Another one has counted further since it was read.
    expect(
      written({ ...empty, lastOrder: 7 }, forwardMessage(acceptance(A, said('x', { order: 6 })), 'p', 5)),
    ).toBeUndefined();
    expect(written(busy, forwardMessage(acceptance(A), 'p', undefined))).toBeUndefined();
    const limits = { ...readLimits({}), inboxMessages: 2 };
    for (const [n, count] of around(2).entries()) {
      const forwarded = Object.fromEntries(Array.from({ length: count }, (_, i) => [`f${i}`, 'p']));
      const update = forwardMessage(acceptance(A, said(), { limits }), 'p', undefined);
      expect(written({ ...empty, forwarded }, update) === undefined).toBe(n > 0);
    }
  });
});

describe('the end of a turn', () => {
  const ended = { ...over, ids: {}, previousIds: busy.ids, entry: 9, expires: LATER, bytes: 0 };
  it('leaves nothing of it on its lane, and the ids of its messages for one turn more', () => {
    for (const end of [
      endAnswered(busy, 9, NOW, LATER),
      endKeepingPending(busy, 9, asTurnId('u'), NOW, LATER),
      endDiscardingPending(busy, 9, NOW, LATER),
    ])
      expect(written(busy, asUpdate(end))).toEqual(ended);
  });

  it('P7: is not the end if a message has come, has gone, or waits by now', () => {
    const end = asUpdate(endAnswered(busy, 9, NOW, LATER));
    for (const meanwhile of [
      { inbox: { [A]: said() } },
      { ids: { ...busy.ids, [A]: 1 as const } },
      { waiting: { [A]: said() } },
    ])
      expect(written({ ...busy, ...meanwhile }, end)).toBeUndefined();
  });

  it('P5: is the beginning of that of the message that waited first; the others wait on', () => {
    const waiting = {
      [A]: said('u', { at: epochMs(20) }),
      [B]: said('v', { at: epochMs(10), size: 70, content: undefined }),
    };
    const lane = { ...busy, waiting, bytes: 75 } as Lane;
    expect(written(lane, asUpdate(endAnswered(lane, 9, NOW, LATER)))).toEqual({
      ...ended,
      turn: 'v',
      slot: 'v',
      since: NOW,
      inbox: { [B]: { turn: 'v', at: 10, size: 70 } },
      waiting: { [A]: waiting[A] },
      bytes: 75,
      expires: EXPIRES,
    });
  });

  it('P1: keeps what is pending for a turn that follows in the same slot, or withdraws all of it', () => {
    const lane: Lane = {
      ...busy,
      inbox: { [A]: said(), [B]: said('y', { from: asLaneId('far') }) },
      waiting: { [C]: said('w') },
      bytes: 15,
    };
    const kept = written(lane, asUpdate(endKeepingPending(lane, 9, asTurnId('u'), NOW, LATER)));
    expect(kept).toEqual({
      ...ended,
      turn: 'u',
      slot: TURN,
      since: NOW,
      inbox: lane.inbox,
      waiting: lane.waiting,
      bytes: 15,
      expires: EXPIRES,
    });
    const discarded = written(lane, asUpdate(endDiscardingPending(lane, 9, NOW, LATER)));
    const code = 'cancelled';
    expect(discarded).toEqual({
      ...ended,
      previousIds: { ...busy.ids, [A]: 1, [B]: 1, [C]: 1 },
      undelivered: { [A]: { code }, [B]: { code, from: 'far' }, [C]: { code } },
    });
    for (const meanwhile of [
      { inbox: { ...lane.inbox, [D]: said() } },
      { ids: {} },
      { waiting: {} },
      { undelivered: { [D]: { code } as const } },
    ])
      expect(
        written({ ...lane, ...meanwhile }, asUpdate(endDiscardingPending(lane, 9, NOW, LATER))),
      ).toBeUndefined();
  });
});

describe('P2: a turn that is rejected', () => {
  const { lease: _, ...unclaimed } = { ...busy, inbox: { [A]: said() }, bytes: 5 };
  const reject = rejectUnclaimed(unclaimed, slotOf(TURN), 'SESSION_QUEUE_FULL', NOW, LATER);
  it('is one that no worker has, as it was read, and leaves its outcomes', () => {
    expect(written(unclaimed, reject)).toMatchObject({
      inbox: {},
      bytes: 0,
      ids: {},
      previousIds: { [D]: 2, [A]: 1 },
      undelivered: { [A]: { code: 'SESSION_QUEUE_FULL' } },
    });
    for (const gone of ['turn', 'slot', 'since', 'cancel'])
      expect(written(unclaimed, reject)).not.toHaveProperty(gone);
    for (const meanwhile of [
      { lease: 'worker' },
      { slot: slotOf(asTurnId('u')) },
      { turn: asTurnId('u') },
      { seq: 6 },
      { inbox: {} },
      { ids: {} },
      { undelivered: { [B]: { code: 'cancelled' } as const } },
      { waiting: { [B]: said() } },
    ])
      expect(written({ ...unclaimed, ...meanwhile }, reject)).toBeUndefined();
  });
});
