import { describe, expect, it } from 'vitest';
import { epochMs, epochSeconds } from '../../config/units.ts';
import { encodeEvents, type TurnEvent } from '../events/events.ts';
import { spillEvents } from '../events/journal.ts';
import { asConnectionId, asLaneId, asMessageId, asSessionId, asSlotId, asTurnId } from '../ids.ts';
import type { Lane, Session } from '../store/items.ts';
import { entryKey, eventsKey, laneKey, messageKey, sessionKey, sessionOf } from '../store/keys.ts';
import { emptyLane } from '../store/lane/lane.ts';
import { listening } from '../store/listening.ts';
import { memoryCore, recordingPorts } from '../testing/memory-core.ts';
import { MemoryTable, memoryStore } from '../testing/memory-store.ts';
import { retireSlot } from './retire.ts';

const principal = { tenant: 't', subject: 's' };
const sessionId = asSessionId('session');
const session = sessionOf(principal, sessionId);
const [connection, lane, slot, turn] = [
  asConnectionId('c1'),
  asLaneId('lane'),
  asSlotId('slot'),
  asTurnId('turn'),
];
const expires = epochSeconds(1000);

function given(onLane: Partial<Lane>, onSession: Partial<Session> = {}) {
  const table = new MemoryTable();
  const order: string[] = [];
  const store = memoryStore(table, async ({ operation, key }, run) => {
    if (operation !== 'get' && operation !== 'query') order.push(key.sk);
    return run();
  });
  const { frames, gateway, queues } = recordingPorts();
  const core = memoryCore({ store, gateway, queues });
  table.put(sessionKey(session), {
    principal,
    sessionId,
    created: epochMs(0),
    queue: { [slot]: { lane, at: epochMs(0) } },
    seq: 0,
    entry: 0,
    audience: {},
    expires,
    ...onSession,
  });
  table.put(laneKey(session, lane), { ...emptyLane(session, connection, expires), ...onLane });
  return { core, table, order, frames };
}

describe('a slot that is over', () => {
  it.each([
    ['that runs', { active: { slot, lane } }],
    ['that never ran', {}],
  ])(
    'P1: %s leaves the queue after its withdrawn messages have their outcomes: others find them by it',
    async (_, active) => {
      const id = asMessageId('m');
      const { core, table, order, frames } = given(
        { undelivered: { [id]: { code: 'SESSION_QUEUE_TIMEOUT' } } },
        active,
      );
      await retireSlot(core, session, lane, slot);
      expect(frames).toMatchObject([{ type: 'error', code: 'SESSION_QUEUE_TIMEOUT', id }]);
      expect(table.get(messageKey(session, id))).toMatchObject({ outcome: 'withdrawn' });
      expect(table.get(laneKey(session, lane))?.undelivered).toEqual({});
      expect(table.get(sessionKey(session))?.queue).toEqual({});
      expect(order.indexOf(messageKey(session, id).sk)).toBeLessThan(
        order.lastIndexOf(sessionKey(session).sk),
      );
    },
  );
});

describe('P8: the entries of a turn whose worker died after its end', () => {
  const events: TurnEvent[] = [
    { type: 'turn_start', seq: 1, turn, message_ids: [asMessageId('m')], entry: 1, at: epochMs(0) },
    {
      type: 'applied',
      seq: 2,
      turn,
      messages: [{ id: asMessageId('m'), content: 'ask', at: epochMs(0) }],
      step: 1,
    },
    { type: 'chunk', seq: 3, turn, content: 'one ', offset: 0 },
    { type: 'chunk', seq: 4, turn, content: 'two', offset: 4 },
    { type: 'aborted', seq: 5, turn, by: 'c', first: 1 },
  ];

  /** The last event is on the lane, the others are spilled, each by itself. */
  async function retired(without: readonly number[]) {
    const { core, table } = given(
      {
        begun: { turn, seq: 1, entry: 1, at: epochMs(0) },
        unspilled: encodeEvents(events.slice(4)),
        previousIds: { [asMessageId('m')]: 1 },
        seq: 5,
        entry: 2,
      },
      { active: { slot, lane } },
    );
    for (const event of events.slice(0, 4)) await spillEvents(core, session, [event]);
    for (const seq of without) table.delete(eventsKey(session, seq));
    await retireSlot(core, session, lane, slot);
    expect(table.get(sessionKey(session))).toMatchObject({ seq: 5, entry: 2 });
    const entries = [1, 2].map((n) => table.get(entryKey(session, n)));
    return { entries, outcome: table.get(messageKey(session, asMessageId('m'))) };
  }

  it('are written by whoever retires its slot', async () => {
    const { entries } = await retired([]);
    expect(entries).toMatchObject([{ role: 'user' }, { role: 'assistant', content: 'one two' }]);
  });

  it('P3, P9: and its last event is posted to who listens, on its lane or in its session, spilled, and told to the bus', async () => {
    const told: unknown[] = [];
    const asked: unknown[] = [];
    const at = epochMs(1);
    const facts = { began: at, ended: at, messages: 1, steps: 1, usage: {}, followed: true } as const;
    const live = listening({ join: 1, seq: 4, isLive: true });
    const { core, frames, table } = given(
      {
        begun: { turn, seq: 1, entry: 1, at: epochMs(0) },
        unspilled: encodeEvents([{ type: 'aborted', seq: 5, turn, by: 'c', first: 1, facts }]),
        audience: { [asConnectionId('late')]: live },
        seq: 5,
        entry: 2,
      },
      { active: { slot, lane }, seq: 4, audience: { [connection]: live } },
    );
    core.bus = { put: async (sent) => void told.push(...sent) };
    core.queues.sendEnded = async (job) => void asked.push(job);
    for (const event of events.slice(0, 4)) await spillEvents(core, session, [event]);
    await retireSlot(core, session, lane, slot);
    expect(frames).toEqual([1, 2].map(() => expect.objectContaining({ seq: 5, full_response: 'one two' })));
    expect(table.get(eventsKey(session, 5))).toBeDefined();
    expect(told).toMatchObject([{ type: 'Turn Ended', detail: { status: 'aborted' } }]);
    expect(asked).toEqual([{ session, lane, turn, first: 1 }]);
    // The session had a slot of its queue, and nothing else of it.
    expect(table.get(sessionKey(session))).toMatchObject({ queue: {}, seq: 5, entry: 2 });
  });

  it.each([1, 2, 3, 4])(
    'are not, if event %i is missing: they would be others than its own worker writes',
    async (seq) => {
      const { entries, outcome } = await retired([seq]);
      expect(entries).toEqual([undefined, undefined]);
      // P10: a repeat of the message is answered as before.
      expect(outcome).toMatchObject({ outcome: 'taken', turn });
    },
  );
});
