import { describe, expect, it } from 'vitest';
import { epochMs, seconds } from '../../config/units.ts';
import { asLaneId, asMessageId, asSlotId, asTurnId, slotOf } from '../ids.ts';
import type { TurnJob } from '../ports.ts';
import type { Lane, PendingMessage } from '../store/items.ts';
import { messageKey, sessionKey } from '../store/keys.ts';
import { memoryCore, recordingPorts } from '../testing/memory-core.ts';
import { leased, sessionInMemory } from '../testing/session-in-memory.ts';
import { deadlinePassed } from './deadline.ts';

const AT = epochMs(1_800_000_000_000);
const TURN = asTurnId('t');
const A = asMessageId('a');
const said = (turn: string): PendingMessage => ({ content: 'hello', turn: asTurnId(turn), at: AT });
const waits: Partial<Lane> = {
  turn: TURN,
  slot: slotOf(TURN),
  since: AT,
  inbox: { [A]: said('t') },
  bytes: 5,
};
const { limits } = memoryCore();

async function given(lane: Partial<Lane>, { slot = 't', after = 30_000, queued = true, fails = false } = {}) {
  const deadlines: [TurnJob, number][] = [];
  const { queues } = recordingPorts();
  const all = sessionInMemory({
    lanes: { own: lane },
    session: { queue: queued ? { [asSlotId(slot)]: { lane: asLaneId('own'), at: AT } } : {} },
    core: {
      limits: { ...limits, queueTimeoutSeconds: seconds(30) },
      queues: { ...queues, sendDeadline: async (job, delay) => void deadlines.push([job, delay]) },
    },
    before: ({ operation }) => {
      if (fails && operation === 'putIfAbsent') throw new Error('the table is down');
    },
  });
  all.wait(after - 10_000);
  const job = { session: all.session, lane: asLaneId('own'), slot: asSlotId(slot) };
  const passed = deadlinePassed(all.core, job);
  if (!fails) await passed;
  return { ...all, job, passed, deadlines, item: () => all.table.get(sessionKey(all.session)) };
}

describe('P1: the deadline of a turn that no worker has claimed', () => {
  it('tells its messages that it timed out, in the last millisecond and not before', async () => {
    for (const [after, isOver] of [
      [29_999, false],
      [30_000, true],
      [30_001, true],
    ] as const) {
      const { told, item, lane, deadlines, job } = await given(waits, { after });
      expect(told('own')).toMatchObject(
        isOver ? [{ code: 'SESSION_QUEUE_TIMEOUT', id: 'a', limit: 30 }] : [],
      );
      // It is looked at once more, when the rest of the time is over.
      expect(deadlines).toEqual(isOver ? [] : [[job, 1]]);
      expect(lane('own')?.turn).toBe(isOver ? undefined : TURN);
      expect(Object.keys(item()?.queue ?? {})).toEqual(isOver ? [] : ['t']);
    }
  });

  it('P2: of which nothing is kept, and which is answered so again', async () => {
    const { lane, table, session } = await given(waits);
    expect(lane('own')).toMatchObject({ inbox: {}, bytes: 0, undelivered: {} });
    expect(table.get(messageKey(session, A))).toMatchObject({
      outcome: 'withdrawn',
      code: 'SESSION_QUEUE_TIMEOUT',
    });
  });

  it('fails where it cannot have itself looked at again, so that its message comes back', async () => {
    const { core, job } = await given(waits, { after: 10_000 });
    core.queues.sendDeadline = () => Promise.reject(new Error('the queue is down'));
    await expect(deadlinePassed(core, job)).rejects.toThrow('the queue is down');
  });

  it('leaves its place in the queue where it cannot tell, by which others find the message', async () => {
    const { passed, item } = await given(waits, { fails: true });
    await expect(passed).rejects.toThrow('the table is down');
    expect(item()?.queue).toHaveProperty('t');
  });
});

it.each([
  ['a worker has claimed it', { ...leased, turn: TURN, slot: slotOf(TURN), inbox: { [A]: said('x') } }],
  ['a turn that follows in its slot has begun', { ...leased, turn: asTurnId('u'), slot: slotOf(TURN) }],
] as const)('P1: a deadline changes nothing where %s', async (_, lane) => {
  for (const after of [20_000, 30_000]) {
    const { told, deadlines, lane: laneOf, item } = await given(lane as Partial<Lane>, { after });
    expect([told('own'), deadlines]).toEqual([[], []]);
    expect(laneOf('own')).toMatchObject({ lease: 'worker', slot: 't' });
    expect(item()?.queue).toHaveProperty('t');
  }
});

it('P1: a message that waits behind its own lane’s turn has the whole of its time when that is over', async () => {
  const lane = { ...leased, waiting: { [A]: said('t') }, bytes: 5 };
  const { told, deadlines, job, lane: laneOf } = await given(lane, { after: 600_000 });
  expect(told('own')).toEqual([]);
  expect(deadlines).toEqual([[job, 30]]);
  expect(laneOf('own')?.waiting).toHaveProperty('a');
});

it('a slot that its lane no longer needs leaves the queue, and its message is told; one that left before changes nothing', async () => {
  const lane = { undelivered: { [A]: { code: 'TOO_MANY_TURNS' } }, previousIds: { [A]: 1 } } as const;
  const left = await given(lane);
  expect(left.item()?.queue).toEqual({});
  expect(left.told('own')).toMatchObject([{ code: 'TOO_MANY_TURNS', id: 'a' }]);
  const over = await given(lane, { queued: false });
  expect(over.told('own')).toEqual([]);
});
