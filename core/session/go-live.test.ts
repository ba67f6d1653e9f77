import { describe, expect, it } from 'vitest';
import { epochMs, epochSeconds } from '../../config/units.ts';
import { asConnectionId, asLaneId, asSessionId, asSlotId } from '../ids.ts';
import type { Lane, Session } from '../store/items.ts';
import { laneKey, sessionKey, sessionOf } from '../store/keys.ts';
import { emptyLane } from '../store/lane/lane.ts';
import { listening } from '../store/listening.ts';
import { activate, ensureSession, retire } from '../store/session-writes.ts';
import { remove, set } from '../store/update.ts';
import { MemoryTable, memoryStore, type StoreCall } from '../testing/memory-store.ts';
import { carryOver, goLive, joinSession } from './sessions.ts';

const principal = { tenant: 't', subject: 's' };
const sessionId = asSessionId('session');
const session = sessionOf(principal, sessionId);
const [connection, lane, slot] = [asConnectionId('c1'), asLaneId('lane'), asSlotId('slot')];
const [atSession, atLane] = [sessionKey(session), laneKey(session, lane)];
const expires = epochSeconds(1000);
/** The state in which the client has everything that was committed when the function looked. */
const caughtUp = { join: 1, seq: 0 };

interface Given {
  table: MemoryTable;
  /** A worker opens its turn on the lane. */
  activates(): void;
  /** It commits events up to this one. */
  commits(seq: number): void;
  /** It ends the turn. The lane has another turn then, or none. */
  ends(): void;
  /** It retires the slot. */
  retires(): Promise<void>;
}

function given(): Given {
  const table = new MemoryTable();
  table.update(atSession, ensureSession(principal, sessionId, undefined, epochMs(0), expires));
  table.put(atLane, emptyLane(session, connection, expires));
  const read = (): [Session, Lane] => {
    const [of, on] = [table.get(atSession), table.get(atLane)];
    if (!of || !on) throw new Error('the items are gone');
    return [of, on];
  };
  return {
    table,
    activates() {
      table.update(atSession, activate(slot, lane, epochMs(0)));
      table.update(atLane, { when: [], change: [set<Lane>('slot', slot)] });
    },
    commits: (seq) => table.update(atLane, { when: [], change: [set<Lane>('seq', seq)] }),
    ends: () => table.update(atLane, { when: [], change: [remove<Lane>('slot')] }),
    async retires() {
      const [of, on] = read();
      await carryOver({ store: memoryStore(table) }, session, of.audience, on.audience);
      table.update(atSession, retire(slot, of, on.seq, on.entry, expires));
    },
  };
}

/** The answer of the first write on this item is lost. The SDK repeats the write after what happens meanwhile. */
function losingAnswer(table: MemoryTable, of: string, meanwhile: () => void | Promise<void>) {
  let isLost = false;
  return memoryStore(table, async ({ operation, key }: StoreCall, run) => {
    if (isLost || operation !== 'update' || key.sk !== of) return run();
    isLost = true;
    run();
    await meanwhile();
    return run();
  });
}

describe('P9: the write that makes a connection live took effect, and its answer was lost', () => {
  it('at rest: the connection is live, also when events were committed before the repeat', async () => {
    const { table, activates, commits } = given();
    const position = await joinSession({ store: memoryStore(table) }, session, connection, caughtUp);
    expect(position).toMatchObject({ lastSeq: 0, active: undefined });
    const store = losingAnswer(table, atSession.sk, () => {
      activates();
      commits(1);
    });
    expect(await goLive({ store }, session, connection, caughtUp, undefined)).toBe('live');
  });

  it('at rest: the same after the whole turn', async () => {
    const { table, activates, commits, retires } = given();
    await joinSession({ store: memoryStore(table) }, session, connection, caughtUp);
    const store = losingAnswer(table, atSession.sk, async () => {
      activates();
      commits(1);
      await retires();
    });
    expect(await goLive({ store }, session, connection, caughtUp, undefined)).toBe('live');
  });

  it.each([atLane.sk, atSession.sk])(
    'beside a turn, on the item %s: the connection is live, also when the turn has ended before the repeat',
    async (of) => {
      const { table, activates, commits, retires } = given();
      activates();
      await joinSession({ store: memoryStore(table) }, session, connection, caughtUp);
      const store = losingAnswer(table, of, async () => {
        commits(1);
        await retires();
      });
      expect(await goLive({ store }, session, connection, caughtUp, { slot, lane })).toBe('live');
    },
  );
});

describe('P9: a connection that is behind', () => {
  it('does not go live, at rest or beside a turn', async () => {
    const { table, activates, commits, retires } = given();
    const store = memoryStore(table);
    activates();
    await joinSession({ store }, session, connection, caughtUp);
    commits(1);
    expect(await goLive({ store }, session, connection, caughtUp, { slot, lane })).toBe('behind');
    await retires();
    expect(await goLive({ store }, session, connection, caughtUp, undefined)).toBe('behind');
  });
});

describe('P9: a connection that is caught up while the turn has ended and its slot is not retired', () => {
  it('goes live in the session alone, so that no worker of another slot posts what a further replay posts', async () => {
    const { table, activates, commits, ends } = given();
    const store = memoryStore(table);
    activates();
    commits(1);
    ends();
    const position = await joinSession({ store }, session, connection, caughtUp);
    expect(position).toMatchObject({ lastSeq: 1, active: { slot, lane } });
    const at = { join: caughtUp.join, seq: 1 };
    expect(await goLive({ store }, session, connection, at, { slot, lane })).toBe('live');
    const live = listening({ ...at, isLive: true });
    expect(table.get(atSession)?.audience).toEqual({ [connection]: live });
    expect(table.get(atLane)?.audience).not.toEqual({ [connection]: live });
  });
});

describe('P9: a connection that joins while a turn runs', () => {
  it('listens in the session and on the active lane, whose worker may not read the session again', async () => {
    const { table, activates, commits } = given();
    activates();
    commits(4);
    const joined = await joinSession({ store: memoryStore(table) }, session, connection, caughtUp);
    expect(joined).toMatchObject({ lastSeq: 4, active: { slot, lane } });
    const how = listening({ ...caughtUp, isLive: false });
    expect(table.get(atLane)?.audience).toEqual({ [connection]: how });
    expect(table.get(atSession)?.audience).toEqual({ [connection]: how });
  });
});
