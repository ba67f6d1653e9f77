import { expect, it } from 'vitest';
import { epochMs, epochSeconds } from '../config/units.ts';
import { asConnectionId, asLaneId, asSessionId, asTurnId, slotOf } from '../core/ids.ts';
import type { Lane, Session } from '../core/store/items.ts';
import { laneKey, sessionKey, sessionOf } from '../core/store/keys.ts';
import { emptyLane } from '../core/store/lane/lane.ts';
import { listening } from '../core/store/listening.ts';
import { MemoryTable, memoryStore } from '../core/testing/memory-store.ts';
import { inspectionText } from './inspect.ts';

const principal = { tenant: 'acme', subject: 'ann' };
const key = sessionOf(principal, asSessionId('s'));
const expires = epochSeconds(1_000_000);
const turn = asTurnId('turn');
/** A turn with a worker, of which three events are committed. */
const RUNS: Partial<Lane> = {
  turn,
  slot: slotOf(turn),
  since: epochMs(90_000),
  lease: 'worker',
  attempts: 1,
  claims: 2,
  seq: 3,
  begun: { turn, seq: 1, entry: 1, at: epochMs(91_000) },
};

/** What is said of a session with this lane, and how long the command slept. `later`: what the lane is then. */
async function said(lane: Partial<Lane>, session: Partial<Session> = {}, later?: Partial<Lane> | 'gone') {
  const table = new MemoryTable();
  const store = memoryStore(table);
  const item = { principal, sessionId: asSessionId('s'), created: epochMs(1), queue: {}, audience: {} };
  table.put(sessionKey(key), { ...item, seq: 0, entry: 0, expires, ...session });
  const lanes = { ...emptyLane(key, asConnectionId('c'), expires), ...lane };
  table.put(laneKey(key, asLaneId('l')), lanes);
  const slept: number[] = [];
  const clock = {
    now: () => epochMs(100_000),
    async sleep(ms: number) {
      slept.push(ms);
      if (later === 'gone') await store.delete(sessionKey(key));
      else table.put(laneKey(key, asLaneId('l')), { ...lanes, ...later });
    },
  };
  const text = await inspectionText(store, clock, key);
  return { lines: text?.split('\n'), slept };
}

it('of a session at rest, its figures and that it is idle, after one look', async () => {
  const at = (isLive: boolean) => listening({ join: 1, seq: 7, isLive });
  const audience = { a: at(true), b: at(false), c: at(true) };
  const { lines, slept } = await said({ seq: 7 }, { seq: 7, entry: 4, audience });
  expect(lines).toEqual([
    'events 7, entries 4, connections 2 live and 1 catching up',
    'idle: no turn is in flight and nothing waits. The next message opens a turn.',
    '',
  ]);
  expect(slept).toEqual([]);
});

it('of a session that was deleted, since when, and not that it is idle', async () => {
  const { lines } = await said({}, { deleted: epochMs(Date.UTC(2026, 10, 30)) });
  expect(lines).toEqual([
    'deleted at 2026-11-30T00:00:00.000Z: this item keeps its id from being used for a day',
    '',
  ]);
});

it('of a session that there is not, nothing', async () => {
  const nobody = sessionOf(principal, asSessionId('none'));
  const clock = { now: () => epochMs(0), sleep: async () => {} };
  expect(await inspectionText(memoryStore(new MemoryTable()), clock, nobody)).toBeUndefined();
  expect(await said(RUNS, {}, 'gone')).toEqual({ lines: undefined, slept: [3000] });
});

it.each<[string, Partial<Lane>, RegExp]>([
  ['is alive where it has committed more', { seq: 5 }, /\. It is alive: 2 events in the last 3 s\.$/],
  [
    'is silent where it has not',
    {},
    /\. No event in the last 3 s: its model or a tool is silent, or the worker died\.$/,
  ],
  [
    'says nothing of another turn',
    { turn: asTurnId('next'), slot: slotOf(asTurnId('next')), seq: 5 },
    /[^s]\.$/,
  ],
])('of a turn that runs, two looks: it %s', async (_, later, last) => {
  const { lines, slept } = await said({ ...RUNS, usage: { steps: 2 } as never }, {}, later);
  expect(slept).toEqual([3000]);
  expect(lines?.[1]).toMatch(/^lane l: /);
  expect(lines?.[3]).toMatch(last);
  if (later.turn === undefined)
    expect(lines?.[2]).toBe(
      `  turn turn · slot ${slotOf(turn)} · steps 2 · last event ${later.seq ?? 3} · inbox 0 · waiting 0 · claims 2, 1 since its last commit`,
    );
});

it('of what waits, in the order in which it was admitted, since when, and what is active', async () => {
  const [first, second] = [slotOf(asTurnId('a')), slotOf(asTurnId('b'))];
  const queue = {
    [second]: { lane: asLaneId('m'), at: epochMs(99_440) },
    [first]: { lane: asLaneId('l'), at: epochMs(40_000) },
  };
  const { lines } = await said({}, { queue, active: { slot: first, lane: asLaneId('l') } } as never);
  expect(lines?.slice(1, 3)).toEqual([
    `queue: slot ${first} of lane l, admitted 60.0 s ago, active`,
    `queue: slot ${second} of lane m, admitted 0.6 s ago`,
  ]);
});
