import { expect, it } from 'vitest';
import { epochMs, epochSeconds } from '../../config/units.ts';
import { asConnectionId, asLaneId, asSessionId, asTurnId, slotOf } from '../ids.ts';
import { laneKey, sessionKey, sessionOf } from '../store/keys.ts';
import { emptyLane } from '../store/lane/lane.ts';
import { memoryCore, recordingPorts } from '../testing/memory-core.ts';
import { MemoryTable, memoryStore } from '../testing/memory-store.ts';
import { openSlot } from './slots.ts';

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
