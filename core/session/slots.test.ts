import { describe, expect, it } from 'vitest';
import { epochMs, epochSeconds } from '../../config/units.ts';
import { around } from '../../test/support/text.ts';
import { encodeEvents } from '../events/events.ts';
import { asConnectionId, asLaneId, asMessageId, asSessionId, asTurnId, slotOf } from '../ids.ts';
import type { TurnJob } from '../ports.ts';
import type { Lane, PendingMessage, Session } from '../store/items.ts';
import { contentKey, laneKey, principalTurnsKey, sessionKey, sessionOf } from '../store/keys.ts';
import { emptyLane } from '../store/lane/lane.ts';
import { memoryCore, recordingPorts } from '../testing/memory-core.ts';
import { MemoryTable, memoryStore } from '../testing/memory-store.ts';
import { leased, RUNNING, sessionInMemory } from '../testing/session-in-memory.ts';
import { openSlot, rejectSlot } from './slots.ts';

it('P1: a slot that is opened again has another job, which SQS does not take for a duplicate of the first for five minutes', async () => {
  const table = new MemoryTable();
  const ports = recordingPorts();
  /** Deduplication ids, as the adapter makes them. */
  const sent: string[] = [];
  const core = memoryCore({
    ...ports,
    store: memoryStore(table),
    queues: { ...ports.queues, sendJob: async ({ slot }, sender) => void sent.push(`${slot}#${sender}`) },
    clock: { now: () => epochMs(100_000), sleep: async () => {} },
  });
  const principal = { tenant: 't', subject: 'ann' };
  const session = sessionOf(principal, asSessionId('s'));
  const job = { session, lane: asLaneId('lane'), slot: slotOf(asTurnId('turn')) };
  const expires = epochSeconds(1_000_000);
  table.put(sessionKey(session), {
    principal,
    sessionId: asSessionId('s'),
    queue: {},
    audience: {},
    seq: 0,
    entry: 0,
    created: epochMs(1),
    expires,
  });
  table.put(laneKey(session, job.lane), {
    ...emptyLane(session, asConnectionId('c'), expires),
    turn: asTurnId('turn'),
    slot: job.slot,
    since: epochMs(90_000),
  });
  expect(await openSlot(core, job)).toEqual({ ahead: 0 });
  expect(await openSlot(core, job)).toEqual({ ahead: 0 });
  expect(sent).toHaveLength(2);
  expect(new Set(sent).size).toBe(2);
});

const NOW = 1_800_000_010_000;
const said = (turn: string): PendingMessage => ({ content: 'hello', turn: asTurnId(turn), at: epochMs(NOW) });
/** A turn that waits for a worker. */
const waits = (turn: string, message = `m-${turn}`): Partial<Lane> => ({
  turn: asTurnId(turn),
  slot: slotOf(asTurnId(turn)),
  since: epochMs(NOW),
  inbox: { [asMessageId(message)]: said(turn) },
  bytes: 5,
});
const place = (lane: string, ago = 0) => ({ lane: asLaneId(lane), at: epochMs(NOW - ago) });

/** A session of two turns, to which another one comes on the lane `mine`. */
function given({
  lanes = {},
  queue = {},
  session = {},
  fails = [],
}: {
  lanes?: Readonly<Record<string, Partial<Lane>>>;
  queue?: Readonly<Record<string, { lane: ReturnType<typeof asLaneId>; at: ReturnType<typeof epochMs> }>>;
  session?: Partial<Session>;
  fails?: readonly ('sendJob' | 'sendDeadline')[];
} = {}) {
  const jobs: string[] = [];
  const deadlines: [string, number][] = [];
  const reached: [string, object][] = [];
  const all = sessionInMemory({ lanes: { ...lanes, mine: waits('new') }, session: { queue, ...session } });
  const { core } = all;
  Object.assign(core, {
    limits: { ...core.limits, sessionTurns: 2 },
    milestones: { reached: (name: string, _: unknown, fields: object) => reached.push([name, fields]) },
    queues: {
      ...core.queues,
      async sendJob({ slot }: TurnJob) {
        jobs.push(slot);
        if (fails.includes('sendJob')) throw new Error('sendJob');
      },
      async sendDeadline({ slot }: TurnJob, delay: number) {
        deadlines.push([slot, delay]);
        if (fails.includes('sendDeadline')) throw new Error('sendDeadline');
      },
    },
  });
  const job = { session: all.session, lane: asLaneId('mine'), slot: slotOf(asTurnId('new')) };
  const inQueue = () => Object.keys(all.table.get(sessionKey(all.session))?.queue ?? {}).toSorted();
  return { ...all, jobs, deadlines, reached, job, open: () => openSlot(core, job), inQueue };
}

describe('P5: a slot that is opened', () => {
  it('has its place behind the others, its job, and a deadline', async () => {
    const { open, jobs, deadlines, reached, inQueue, core } = given({
      lanes: { other: waits('old') },
      queue: { old: place('other') },
    });
    expect(await open()).toEqual({ ahead: 1 });
    expect([jobs, deadlines]).toEqual([['new'], [['new', core.limits.queueTimeoutSeconds]]]);
    expect(reached).toEqual([['turn enqueued', { lane: 'mine', slot: 'new', ahead: 1 }]]);
    expect(inQueue()).toEqual(['new', 'old']);
  });

  it.each(['sendJob', 'sendDeadline'] as const)(
    'P1: fails with the queue (%s), so that nothing is acknowledged that has no job',
    async (call) => {
      await expect(given({ fails: [call] }).open()).rejects.toThrow(call);
    },
  );

  it('in a session that was deleted, or is gone, is refused', async () => {
    const { open, reached } = given({ session: { deleted: epochMs(1) } });
    expect(await open()).toBe('SESSION_DELETED');
    expect(reached).toEqual([]);
    const gone = given();
    gone.table.delete(sessionKey(gone.session));
    expect(await gone.open()).toBe('SESSION_DELETED');
  });

  it('beyond the turns of its principal is refused before it has a job', async () => {
    const { open, jobs, inQueue, core, table, session } = given({ lanes: { other: waits('old') } });
    Object.assign(core, { limits: { ...core.limits, principalTurns: 1 } });
    const expires = epochSeconds(4e9);
    table.put(principalTurnsKey(session), {
      slots: { [asTurnId('old')]: { session, lane: asLaneId('other') } },
      expires,
    });
    expect(await open()).toBe('TOO_MANY_TURNS');
    expect([jobs, inQueue()]).toEqual([[], []]);
  });
});

describe('P5: a session that has no room for a further turn', () => {
  const active = { slot: slotOf(RUNNING), lane: asLaneId('a') };
  /** The lane of a turn that has ended: its last event is not spilled. */
  const ended: Partial<Lane> = {
    unspilled: encodeEvents([{ type: 'chunk', seq: 5, turn: RUNNING, content: 'x', offset: 0 }]),
    seq: 5,
  };
  const full = { lanes: { a: waits('s1'), b: waits('s2') }, queue: { s1: place('a'), s2: place('b') } };

  it('refuses it, and has one by one called again whose function died before it sent the job', async () => {
    for (const [n, ago] of around(3000).entries()) {
      const { open, jobs, inQueue } = given({ ...full, queue: { s1: place('a', ago), s2: place('b') } });
      expect(await open()).toBe('SESSION_QUEUE_FULL');
      expect(jobs).toEqual(n < 2 ? ['new'] : ['new', 's1']);
      expect(inQueue()).toEqual(['s1', 's2']);
    }
  });

  it('calls none again behind a turn that runs, but the active one that is over, which nobody has retired', async () => {
    const queue = { [RUNNING]: place('a', 9000), s2: place('b', 9000) };
    const runs = given({ lanes: { a: leased, b: waits('s2') }, queue });
    expect(await runs.open()).toBe('SESSION_QUEUE_FULL');
    expect(runs.jobs).toEqual(['new']);
    const over = given({ lanes: { a: ended, b: waits('s2') }, queue, session: { active, seq: 4 } });
    expect(await over.open()).toBe('SESSION_QUEUE_FULL');
    expect(over.jobs.toSorted()).toEqual(['new', RUNNING, 's2'].toSorted());
    expect(over.inQueue()).toEqual([RUNNING, 's2'].toSorted());
  });

  it('gives it the place of one that is active only until the worker of its job finds that it was refused', async () => {
    const queue = { [RUNNING]: place('a', 9000), s2: place('b', 9000) };
    for (const a of [{}, ended]) {
      const { open, inQueue, table, session } = given({
        lanes: { a, b: waits('s2') },
        queue,
        session: { active, seq: 5 },
      });
      expect(await open()).toEqual({ ahead: 1 });
      expect(inQueue()).toEqual(['new', 's2']);
      expect(table.get(sessionKey(session))?.active).toBeUndefined();
    }
  });

  it('P1: gives it the place of a slot that is over, and tells first what became of the messages there', async () => {
    const undelivered = { [asMessageId('gone')]: { code: 'SESSION_QUEUE_TIMEOUT' } } as const;
    const { open, told, inQueue, lane } = given({ ...full, lanes: { a: { undelivered }, b: waits('s2') } });
    expect(await open()).toEqual({ ahead: 1 });
    expect(inQueue()).toEqual(['new', 's2']);
    expect(told('a')).toMatchObject([{ code: 'SESSION_QUEUE_TIMEOUT', id: 'gone' }]);
    expect(lane('a')?.undelivered).toEqual({});
  });
});

describe('P2: a slot that is rejected', () => {
  const code = 'SESSION_QUEUE_TIMEOUT';
  it('takes its messages with it, also what is stored of them beside the lane, and leaves those of others', async () => {
    const apart = { turn: asTurnId('new'), at: epochMs(NOW), size: 2000 };
    const lane = {
      ...waits('new'),
      inbox: { [asMessageId('m')]: apart },
      waiting: { [asMessageId('w')]: said('w') },
      bytes: 2005,
    };
    const all = given();
    const key = laneKey(all.session, asLaneId('mine'));
    all.table.put(key, { ...(all.lane('mine') as Lane), ...lane });
    const content = contentKey(all.session, apart.turn);
    all.table.put(content, { content: 'x', expires: epochSeconds(4e9) });
    expect(await rejectSlot(all.core, all.job, code)).toBe(true);
    expect(all.table.get(content)).toBeUndefined();
    // What waited opens the next turn.
    expect(all.lane('mine')).toMatchObject({
      turn: 'w',
      undelivered: { m: { code } },
      bytes: 5,
      waiting: {},
      previousIds: { m: 1 },
    });
    expect(await rejectSlot(all.core, all.job, code)).toBe(false);
  });

  it('for a message that waits takes that alone', async () => {
    const waiting = { [asMessageId('w')]: said('w'), [asMessageId('v')]: said('v') };
    const all = given({ lanes: { a: { ...leased, waiting, bytes: 10 } } });
    const job = { ...all.job, lane: asLaneId('a'), slot: slotOf(asTurnId('w')) };
    expect(await rejectSlot(all.core, job, code)).toBe(true);
    expect(all.lane('a')).toMatchObject({
      turn: RUNNING,
      waiting: { v: {} },
      undelivered: { w: { code } },
      bytes: 5,
      ids: { w: 1 },
    });
    expect(all.lane('a')?.waiting).not.toHaveProperty('w');
  });

  it('and that a worker has is not', async () => {
    const all = given({ lanes: { a: { ...leased, inbox: { [asMessageId('m')]: said('x') } } } });
    const job = { ...all.job, lane: asLaneId('a'), slot: slotOf(RUNNING) };
    expect(await rejectSlot(all.core, job, code)).toBe(false);
    expect(all.lane('a')?.inbox).toHaveProperty('m');
  });
});
