import { describe, expect, it } from 'vitest';
import { readLimits } from '../../config/settings/limits.ts';
import { epochMs, epochSeconds, seconds } from '../../config/units.ts';
import { asConnectionId, asLaneId, asSessionId, asTurnId, type SlotId, slotOf } from '../ids.ts';
import type { TurnJob } from '../ports.ts';
import type { Lane } from '../store/items.ts';
import { laneKey, principalTurnsKey, sessionOf, tenantTurnsKey } from '../store/keys.ts';
import { emptyLane } from '../store/lane/lane.ts';
import { memoryCore, recordingPorts } from '../testing/memory-core.ts';
import { MemoryTable, memoryStore } from '../testing/memory-store.ts';
import { rejectSlot } from './slots.ts';
import { enterFlight, leaveFlight } from './turns-in-flight.ts';

const expires = epochSeconds(1000);
const sessionOfAnn = sessionOf({ tenant: 't', subject: 'ann' }, asSessionId('s'));
const sessionOfBob = sessionOf({ tenant: 't', subject: 'bob' }, asSessionId('s'));

const job = (n: number, session = sessionOfAnn): TurnJob => ({
  session,
  lane: asLaneId(`lane${n}`),
  slot: slotOf(asTurnId(`turn${n}`)),
});

function given(limits: Partial<ReturnType<typeof readLimits>>) {
  const table = new MemoryTable();
  const deadlines: SlotId[] = [];
  const ports = recordingPorts();
  const core = memoryCore({
    store: memoryStore(table),
    ...ports,
    queues: { ...ports.queues, sendDeadline: async ({ slot }) => void deadlines.push(slot) },
    clock: { now: () => epochMs(100_000), sleep: async () => {} },
    limits: {
      ...readLimits({}),
      principalTurns: 0,
      tenantTurns: 0,
      queueTimeoutSeconds: seconds(30),
      ...limits,
    },
  });
  /** The lane has the job's turn, without a worker unless `more` says so. */
  const waits = ({ session, lane, slot }: TurnJob, more: Partial<Lane> = {}) =>
    table.put(laneKey(session, lane), {
      ...emptyLane(session, asConnectionId('c'), expires),
      turn: asTurnId(slot),
      slot,
      since: epochMs(90_000),
      ...more,
    });
  const places = (session = sessionOfAnn) => Object.keys(table.get(principalTurnsKey(session))?.slots ?? {});
  return { table, core, waits, places, deadlines };
}

describe('places of turns that run or wait', () => {
  it('are as many as the limit, also for functions that take them at the same time', async () => {
    const { core, waits, places } = given({ principalTurns: 3 });
    const jobs = [1, 2, 3, 4, 5, 6].map((n) => job(n));
    for (const one of jobs) waits(one);
    const entered = await Promise.all(jobs.map((one) => enterFlight(core, one)));
    expect(entered.filter(Boolean)).toHaveLength(3);
    expect(places()).toHaveLength(3);
  });

  it('P10: are taken once by a slot, and free for others when it leaves', async () => {
    const { core, waits } = given({ principalTurns: 1 });
    waits(job(1));
    expect(await enterFlight(core, job(1))).toBe(true);
    expect(await enterFlight(core, job(1))).toBe(true);
    expect(await enterFlight(core, job(2))).toBe(false);
    await leaveFlight(core, job(1));
    expect(await enterFlight(core, job(2))).toBe(true);
  });

  it('of one principal leave those of another alone; the tenant’s are counted together', async () => {
    const { core, waits, table } = given({ principalTurns: 2, tenantTurns: 3 });
    const all = [job(1), job(2), job(3, sessionOfBob), job(4, sessionOfBob)];
    for (const one of all) waits(one);
    const entered: boolean[] = [];
    for (const one of all) entered.push(await enterFlight(core, one));
    expect(entered).toEqual([true, true, true, false]);
    expect(Object.keys(table.get(tenantTurnsKey(sessionOfBob))?.slots ?? {})).toHaveLength(3);
  });

  it('P8: of a slot that two functions open stay when one of them finds no room, until the slot is rejected', async () => {
    const { core, waits, places, table } = given({ principalTurns: 2, tenantTurns: 1 });
    const [other, twice] = [job(1, sessionOfBob), job(2)];
    for (const one of [other, twice]) waits(one);
    await enterFlight(core, other);
    expect(await enterFlight(core, twice)).toBe(false);
    await leaveFlight(core, other);
    // The second function finds room, and sends the job. The first one rejects the slot, or finds that its turn has begun.
    expect(await enterFlight(core, twice)).toBe(true);
    waits(twice, { lease: 'worker' });
    expect(await rejectSlot(core, twice, 'TOO_MANY_TURNS')).toBe(false);
    expect(places()).toEqual(['turn2']);
    waits(twice);
    expect(await rejectSlot(core, twice, 'TOO_MANY_TURNS')).toBe(true);
    expect(places()).toEqual([]);
    expect(table.get(tenantTurnsKey(sessionOfAnn))?.slots).toEqual({});
    // A third function takes a place of the slot after that.
    expect(await enterFlight(core, twice)).toBe(true);
    expect(await rejectSlot(core, twice, 'TOO_MANY_TURNS')).toBe(false);
    expect(places()).toEqual([]);
  });

  it('of slots that are over are given back when there is no room; those of turns that run or wait are not', async () => {
    const { core, waits, places } = given({ principalTurns: 3 });
    for (const n of [1, 2, 3]) {
      waits(job(n), n === 2 ? { lease: 'worker' } : {});
      await enterFlight(core, job(n));
    }
    expect(await enterFlight(core, job(4))).toBe(false);
    expect(places()).toEqual(['turn1', 'turn2', 'turn3']);
    // Its function died before it left.
    waits(job(3), { slot: slotOf(asTurnId('another')) });
    expect(await enterFlight(core, job(4))).toBe(true);
    expect(places()).toEqual(['turn1', 'turn2', 'turn4']);
  });

  it('of turns whose openers died get a deadline when there is no room', async () => {
    const { core, waits, deadlines } = given({ principalTurns: 3 });
    waits(job(1), { since: epochMs(69_000) });
    waits(job(2), { since: epochMs(69_000), lease: 'worker' });
    waits(job(3), { since: epochMs(71_000) });
    for (const n of [1, 2, 3]) await enterFlight(core, job(n));
    expect(await enterFlight(core, job(4))).toBe(false);
    expect(deadlines).toEqual(['turn1']);
  });

  it('cost neither a read nor a write where nobody is counted', async () => {
    const { core } = given({});
    const store = new Proxy(core.store, {
      get: (_, name) => () => Promise.reject(new Error(`the store was asked: ${String(name)}`)),
    });
    expect(await enterFlight({ ...core, store }, job(1))).toBe(true);
    await leaveFlight({ ...core, store }, job(1));
  });

  it('are not counted where everybody is the same principal', () => {
    expect(readLimits({ MIDTURN_AUTH: 'none' })).toMatchObject({ principalTurns: 0, tenantTurns: 0 });
    expect(readLimits({ MIDTURN_AUTH: 'jwt' })).toMatchObject({ principalTurns: 20 });
  });
});
