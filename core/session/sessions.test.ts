import { describe, expect, it } from 'vitest';
import { epochMs } from '../../config/units.ts';
import { around } from '../../test/support/text.ts';
import { asConnectionId, asLaneId, asSessionId, asTurnId, slotOf } from '../ids.ts';
import type { Lane, Session } from '../store/items.ts';
import { laneKey, sessionKey, sessionOf } from '../store/keys.ts';
import { listening } from '../store/listening.ts';
import { memoryCore } from '../testing/memory-core.ts';
import { leased, RUNNING, sessionInMemory } from '../testing/session-in-memory.ts';
import {
  carryOver,
  endedEntries,
  isShown,
  lastSeq,
  leasedTurn,
  leaveSession,
  openSession,
  runningTurn,
  viewSession,
} from './sessions.ts';

const DEVICE = asConnectionId('device');
const ANN = { tenant: 'acme', subject: 'ann' };
const ID = asSessionId('s');

describe('how a session stands', () => {
  const view = async (lane: Partial<Lane>, session: Partial<Session> = {}) => {
    const { core, session: key } = sessionInMemory({
      lanes: { mine: lane },
      session: { seq: 4, entry: 2, ...session },
    });
    return viewSession(core, key);
  };
  const runs = { ...leased, seq: 9, entry: 6, begun: { turn: RUNNING, seq: 5, entry: 3, at: epochMs(1) } };
  const active = { slot: slotOf(RUNNING), lane: asLaneId('mine') };

  it('while a turn runs: its lane counts on, and its entries are not those of the transcript', async () => {
    const found = await view(runs);
    expect(runningTurn(found)).toEqual(runs.begun);
    expect(leasedTurn(found)).toMatchObject({ laneId: 'mine', turn: RUNNING, lane: { seq: 9 } });
    expect([endedEntries(found), lastSeq(found)]).toEqual([2, 9]);
  });

  it.each<[string, Partial<Lane>, Partial<Session>, runs: boolean, leased: boolean]>([
    [
      'the slot is that of another lane by now',
      runs,
      { active: { ...active, slot: slotOf(asTurnId('u')) } },
      false,
      false,
    ],
    [
      'the turn is claimed and has not begun',
      { ...runs, begun: { ...runs.begun, turn: asTurnId('past') } },
      {},
      false,
      true,
    ],
    [
      'its worker has left it to another one',
      { ...runs, lease: undefined as never },
      { active },
      true,
      false,
    ],
    [
      'it is over, and its slot is not retired',
      { seq: 9, entry: 6, begun: runs.begun },
      { active },
      false,
      false,
    ],
    [
      'no slot is active',
      { ...runs, lease: undefined as never },
      { active: undefined as never },
      false,
      false,
    ],
  ])('where %s', async (_, lane, session, isRunning, isLeased) => {
    const found = await view(lane, session);
    expect(runningTurn(found) !== undefined).toBe(isRunning);
    expect(leasedTurn(found) !== undefined).toBe(isLeased);
    // What was committed counts, wherever it is.
    const isSeen = found.lane !== undefined;
    expect([endedEntries(found), lastSeq(found)]).toEqual([isRunning ? 2 : isSeen ? 6 : 2, isSeen ? 9 : 4]);
  });

  it('P12: it is shown if it is there, not deleted, and not half a fork', async () => {
    const { session } = await view({});
    expect(isShown(session)).toBe(true);
    expect(isShown(undefined)).toBe(false);
    expect(session && isShown({ ...session, deleted: epochMs(1) })).toBe(false);
    expect(session && isShown({ ...session, copying: { created: epochMs(1), to: 0 } })).toBe(false);
  });
});

describe('a connection', () => {
  const given = () => {
    let now = 1_800_000_000_000;
    const core = memoryCore({ clock: { now: () => epochMs(now), sleep: async () => {} } });
    const session = sessionOf(ANN, ID);
    const change = async (facts: Partial<Session>) => {
      const item = await core.store.get(sessionKey(session));
      if (item) await core.store.put(sessionKey(session), { ...item, ...facts });
    };
    return {
      core,
      session,
      change,
      open: () => openSession(core, { principal: ANN, sessionId: ID, name: 'Soup', connection: DEVICE }),
      wait: (ms: number) => {
        now += ms;
      },
      item: () => core.store.get(sessionKey(session)),
    };
  };

  it('makes its session, and a lane of its own; a later one finds it, and how long it is kept moves on', async () => {
    const { open, item, wait, core, session, change } = given();
    const first = await open();
    expect(first).toEqual({ session, resumed: false, lane: expect.any(String) });
    expect(await core.store.get(laneKey(session, first?.lane ?? asLaneId('')))).toMatchObject({
      session,
      connection: DEVICE,
    });
    const made = await item();
    expect(made).toMatchObject({ principal: ANN, sessionId: ID, name: 'Soup', created: 1_800_000_000_000 });
    wait(5000);
    const second = await open();
    expect(second).toMatchObject({ resumed: false });
    expect(second?.lane).not.toBe(first?.lane);
    expect(await item()).toEqual({ ...made, expires: Number(made?.expires) + 5 });
    await change({ entry: 1 });
    expect(await open()).toMatchObject({ resumed: true });
    await change({ entry: 0, active: { slot: slotOf(RUNNING), lane: asLaneId('l') } });
    expect(await open()).toMatchObject({ resumed: true });
  });

  it('P12: gets no lane in a deleted session, of which it is told later, and none in half a fork', async () => {
    for (const [facts, found] of [
      [{ deleted: epochMs(1), entry: 3 }, { resumed: false }],
      [{ copying: { created: epochMs(1), to: 0 } }, undefined],
    ] as const) {
      const { open, change, core, session } = given();
      await open();
      await change(facts);
      const opened = await open();
      if (found) expect(opened).toMatchObject(found);
      else expect(opened).toBeUndefined();
      if (opened) expect(await core.store.get(laneKey(session, opened.lane))).toBeUndefined();
    }
  });

  it('leaves its session and the lane that it listens to, or the session alone', async () => {
    for (const laneId of [asLaneId('mine'), undefined]) {
      const audience = { [DEVICE]: 1, [asConnectionId('other')]: 1 };
      const { core, session, lane, table } = sessionInMemory({
        lanes: { mine: { audience } },
        session: { audience },
      });
      await leaveSession(core, session, DEVICE, laneId);
      expect(table.get(sessionKey(session))?.audience).toEqual({ other: 1 });
      expect(lane('mine')?.audience).toEqual(laneId ? { other: 1 } : audience);
    }
  });
});

describe('P9: before a slot is retired', () => {
  it('those that went live on its lane alone are carried over to the session', async () => {
    const state = (seq: number, isLive: boolean) => listening({ join: 1, seq, isLive });
    for (const [n, stored] of around(state(5, true)).entries()) {
      const { core, session, table } = sessionInMemory({
        lanes: {},
        session: { audience: { [DEVICE]: stored } },
      });
      await carryOver(core, session, { [DEVICE]: stored }, { [DEVICE]: state(5, true) });
      expect(table.get(sessionKey(session))?.audience[DEVICE]).toBe(n === 2 ? stored : state(5, true));
    }
    const { core, session, table } = sessionInMemory({
      lanes: {},
      session: { audience: { [DEVICE]: state(3, false) } },
    });
    // One that is catching up still, and one that has left the session.
    await carryOver(
      core,
      session,
      { [DEVICE]: state(3, false) },
      { [DEVICE]: state(5, false), [asConnectionId('left')]: state(5, true) },
    );
    expect(table.get(sessionKey(session))?.audience).toEqual({ [DEVICE]: state(3, false) });
  });
});
