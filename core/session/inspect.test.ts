import { describe, expect, it } from 'vitest';
import { epochMs, epochSeconds, seconds } from '../../config/units.ts';
import { asConnectionId, asLaneId, asMessageId, asRequestId, asSessionId, asTurnId, slotOf } from '../ids.ts';
import type { Lane, Session } from '../store/items.ts';
import { laneKey, sessionKey, sessionOf } from '../store/keys.ts';
import { emptyLane } from '../store/lane/lane.ts';
import { listening } from '../store/listening.ts';
import { MemoryTable, memoryStore } from '../testing/memory-store.ts';
import { inspectSession } from './inspect.ts';

const principal = { tenant: 't', subject: 'ann' };
const key = sessionOf(principal, asSessionId('s'));
const expires = epochSeconds(1_000_000);
const own = asLaneId('own');
const other = asLaneId('other');
const turn = asTurnId('turn');
const otherTurn = asTurnId('otherTurn');
const words = 'what the person wrote';

/** A lane whose turn was opened ten seconds ago. */
const opened: Partial<Lane> = { turn, slot: slotOf(turn), since: epochMs(90_000) };
/** And claimed by a worker, which committed three events. */
const claimed: Partial<Lane> = {
  ...opened,
  lease: 'worker',
  attempts: 1,
  claims: 1,
  seq: 3,
  begun: { turn, seq: 1, entry: 1, at: epochMs(91_000) },
};

async function inspect(lanes: Record<string, Partial<Lane>>, session: Partial<Session> = {}) {
  const table = new MemoryTable();
  table.put(sessionKey(key), {
    principal,
    sessionId: asSessionId('s'),
    created: epochMs(1),
    queue: {},
    audience: {},
    seq: 0,
    entry: 0,
    expires,
    ...session,
  });
  for (const [id, lane] of Object.entries(lanes))
    table.put(laneKey(key, asLaneId(id)), { ...emptyLane(key, asConnectionId('c'), expires), ...lane });
  const limits = { queueTimeoutSeconds: seconds(30) };
  return inspectSession({ store: memoryStore(table), now: epochMs(100_000), limits }, key);
}

const only = async (...given: Parameters<typeof inspect>) => (await inspect(...given))?.lanes[0];

describe('what a lane of a session does or waits for, and what comes next', () => {
  it('nothing: a lane at rest is not listed', async () => {
    expect((await inspect({ own: { seq: 7 } }, { seq: 7, entry: 4 }))?.lanes).toEqual([]);
    expect(await inspect({ own: { seq: 7 } }, { entry: 4 })).toMatchObject({ lastEvent: 7, entries: 4 });
  });

  it('behind the turn of another lane, whose lane and slot it names', async () => {
    const session = { active: { slot: slotOf(otherTurn), lane: other } };
    const lanes = { own: opened, other: { ...claimed, turn: otherTurn, slot: slotOf(otherTurn) } };
    const found = (await inspect(lanes, session))?.lanes.find(({ lane }) => lane === own);
    expect(found?.state).toBe('waits for another turn');
    expect(found?.meaning).toMatch(/lane other, slot .*, for 10\.0 s now.* 30 s .*SESSION_QUEUE_TIMEOUT/);
  });

  it('for a worker, where the active slot is over: it is only a hint', async () => {
    const session = { active: { slot: slotOf(otherTurn), lane: other } };
    expect(await only({ own: opened }, session)).toMatchObject({ state: 'waits for a worker' });
  });

  it.each([
    ['the session admitted it: the turn function does not run', true, /admitted it, .*FunctionThrottles/],
    ['its opener died before that: a reconnect sends its job', false, /has not admitted it.* reconnect/],
  ])('for a worker, and %s', async (_, isAdmitted, meaning) => {
    const queue = isAdmitted ? { [slotOf(turn)]: { lane: own, at: epochMs(90_000) } } : {};
    expect(await only({ own: opened }, { queue })).toMatchObject({
      state: 'waits for a worker',
      turn,
      meaning: expect.stringMatching(meaning),
    });
  });

  it('for a worker that comes in a moment', async () => {
    const found = await only({ own: { ...opened, since: epochMs(99_900) } });
    expect(found?.meaning).toMatch(/a moment ago/);
  });

  it('for the person who approves a call, until every request is decided', async () => {
    const approvals = { [asRequestId('r1')]: 1, [asRequestId('r2')]: 1 } as const;
    const decisions = { [asRequestId('r1')]: { decision: 'approve' } } as const;
    const found = await only({ own: { ...claimed, approvals, decisions } });
    expect(found).toMatchObject({ state: 'waits for an approval' });
    expect(found?.meaning).toMatch(/1 approval request: r2\./);
    const all = { ...decisions, [asRequestId('r2')]: { decision: 'deny' } } as const;
    expect(await only({ own: { ...claimed, approvals, decisions: all } })).toMatchObject({ state: 'runs' });
  });

  it('for the client that runs a tool, until it has given each output', async () => {
    const asked = { [asRequestId('r1')]: 1, [asRequestId('r2')]: 1 } as const;
    const outputs = { [asRequestId('r1')]: { digest: 'd' } };
    const found = await only({ own: { ...claimed, asked, outputs } });
    expect(found).toMatchObject({ state: 'waits for a client' });
    expect(found?.meaning).toMatch(/1 tool output request: r2\./);
    const all = { ...outputs, [asRequestId('r2')]: { digest: 'e' } };
    expect(await only({ own: { ...claimed, asked, outputs: all } })).toMatchObject({ state: 'runs' });
  });

  it('it runs, was aborted, or is claimed again and again', async () => {
    expect(await only({ own: claimed })).toMatchObject({ state: 'runs', lastEvent: 3, claims: 1 });
    const cancel = { turn, pending: 'keep', by: 'ann' } as const;
    expect(await only({ own: { ...claimed, cancel } })).toMatchObject({ state: 'is stopped' });
    const earlier = { ...cancel, turn: otherTurn };
    expect(await only({ own: { ...claimed, cancel: earlier } })).toMatchObject({ state: 'runs' });
    const again = await only({ own: { ...claimed, attempts: 3 } });
    expect(again).toMatchObject({ state: 'is repeated', attempts: 3 });
    expect(again?.meaning).toMatch(/^3 workers/);
  });

  it('with what waits behind it, and outcomes that nobody received', async () => {
    const later = asTurnId('later');
    const found = await only({
      own: {
        ...claimed,
        inbox: { [asMessageId('m1')]: { content: words, turn, at: epochMs(1) } },
        waiting: { [asMessageId('m2')]: { content: words, turn: later, at: epochMs(2) } },
        undelivered: { [asMessageId('m0')]: { code: 'cancelled' } },
      },
    });
    expect(found).toMatchObject({ inbox: 1, waiting: 1, undelivered: 1 });
    expect(found?.meaning).toContain(slotOf(later));
    expect(found?.meaning).toMatch(/next connection is told/);
    expect(JSON.stringify(found)).not.toContain(words);
  });
});

it('connections of a session are counted by whether they have caught up, and its slots are in their order', async () => {
  const audience = {
    [asConnectionId('a')]: listening({ join: 1, seq: 3, isLive: true }),
    [asConnectionId('b')]: listening({ join: 1, seq: 1, isLive: false }),
    [asConnectionId('c')]: listening({ join: 2, seq: 3, isLive: true }),
  };
  const queue = {
    [slotOf(otherTurn)]: { lane: other, at: epochMs(99_000) },
    [slotOf(turn)]: { lane: own, at: epochMs(98_000) },
  };
  const found = await inspect({}, { audience, queue, active: { slot: slotOf(turn), lane: own } });
  expect(found?.connections).toEqual({ live: 2, catchingUp: 1 });
  expect(found?.queue).toEqual([
    { slot: slotOf(turn), lane: own, sinceMs: 2000, isActive: true },
    { slot: slotOf(otherTurn), lane: other, sinceMs: 1000, isActive: false },
  ]);
});

it('a session that does not exist has no state', async () => {
  const limits = { queueTimeoutSeconds: seconds(30) };
  expect(await inspectSession({ store: memoryStore(), now: epochMs(0), limits }, key)).toBeUndefined();
});
