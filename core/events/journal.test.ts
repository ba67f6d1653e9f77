import { setImmediate as nextTick } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { epochMs, epochSeconds } from '../../config/units.ts';
import { asConnectionId, asLaneId, asMessageId, asSessionKey, asTurnId, slotOf } from '../ids.ts';
import { findForwarded } from '../session/forwarded.ts';
import { eventsKey, laneKey, messageKey } from '../store/keys.ts';
import { emptyLane } from '../store/lane/lane.ts';
import { memoryCore } from '../testing/memory-core.ts';
import { MemoryTable, memoryStore } from '../testing/memory-store.ts';
import { decodeEvents, type TurnEvent } from './events.ts';
import { spillEvents, storedFrame, writeEntries } from './journal.ts';

const SESSION = asSessionKey('s');
const LANE = asLaneId('l');
const TURN = asTurnId('t');
const MESSAGE = asMessageId('m');
const chunk = (seq: number, content: string, offset: number): TurnEvent => ({
  type: 'chunk',
  seq,
  turn: TURN,
  content,
  offset,
});
const aborted: TurnEvent = { type: 'aborted', seq: 4, turn: TURN, by: 'c', first: 1 };
const start: TurnEvent = {
  type: 'turn_start',
  seq: 1,
  turn: TURN,
  message_ids: [MESSAGE],
  entry: 1,
  at: epochMs(0),
};

async function given(...spills: TurnEvent[][]) {
  const core = memoryCore();
  for (const events of spills) await spillEvents(core, SESSION, events);
  return core;
}

describe('P3: the frame of a turn’s end', () => {
  it('carries the text of all its chunks, wherever they are', async () => {
    const core = await given([start, chunk(2, 'one ', 0)]);
    const frame = JSON.parse(await storedFrame(core, SESSION, aborted, [chunk(3, 'two', 4)]));
    expect(frame).toMatchObject({ full_response: 'one two' });
    expect(frame).not.toHaveProperty('full_response_omitted');
  });

  it('reads nothing where the whole turn is known', async () => {
    const core = await given();
    core.store.query = () => Promise.reject(new Error('read'));
    const known = [start, chunk(2, 'one ', 0), chunk(3, 'two', 4), aborted];
    expect(JSON.parse(await storedFrame(core, SESSION, aborted, known))).toMatchObject({
      full_response: 'one two',
    });
    // Nor of an event that ends none.
    await expect(storedFrame(core, SESSION, chunk(3, 'two', 4), [])).resolves.toContain('"two"');
    const other = { ...start, turn: asTurnId('other') };
    await expect(storedFrame(core, SESSION, aborted, [other])).rejects.toThrow('read');
  });

  it.each([
    ['the first of them', 2],
    ['the last of them', 3],
  ])('carries none where %s are gone: a part would be taken for the whole', async (_, lastSeq) => {
    const core = await given([start, chunk(2, 'one ', 0)], [chunk(3, 'two', 4)]);
    await core.store.delete(eventsKey(SESSION, lastSeq));
    const frame = JSON.parse(await storedFrame(core, SESSION, aborted, [aborted]));
    expect(frame).toMatchObject({ full_response: null, full_response_omitted: true });
  });
});

describe('P9: spilled events', () => {
  it.each(['x', 'é', '€', '😀'])(
    'are in items that DynamoDB takes, whatever their letters: of %s',
    async (letter) => {
      const table = new MemoryTable();
      const core = memoryCore({ store: memoryStore(table) });
      const bytes = Buffer.byteLength(letter);
      const events = Array.from({ length: 40 }, (_, n) =>
        chunk(n + 1, letter.repeat(Math.floor(15_000 / bytes)), n * 15_000),
      );
      await spillEvents(core, SESSION, events);
      const items = [...table.all()].filter(({ sk }) => sk.startsWith('EVENTS#'));
      expect(items).toHaveLength(3);
      for (const { item } of items) expect(Buffer.byteLength(JSON.stringify(item))).toBeLessThan(400 * 1024);
    },
  );
});

describe('the entries of a turn with hundreds of calls', () => {
  it('P1: are all written, and never more at a time than the SDK has sockets for', async () => {
    let underWay = 0;
    let most = 0;
    const table = new MemoryTable();
    const store = memoryStore(table, async (_call, run) => {
      most = Math.max(most, ++underWay);
      await nextTick();
      underWay--;
      return run();
    });
    const calls = Array.from({ length: 200 }, (_, n) => `c${n}`);
    const events: TurnEvent[] = [
      start,
      ...calls.map(
        (id, n): TurnEvent => ({ type: 'tool_call', seq: n + 2, turn: TURN, id, name: 'look', args: {} }),
      ),
      ...calls.map(
        (id, n): TurnEvent => ({
          type: 'tool_result',
          seq: n + 202,
          turn: TURN,
          id,
          name: 'look',
          output: n,
        }),
      ),
    ];
    expect(await writeEntries(memoryCore({ store }), SESSION, events)).toBe(400);
    expect([...table.all()].filter(({ sk }) => sk.startsWith('ENTRY#'))).toHaveLength(400);
    expect(most).toBeLessThan(50);
  });
});

describe('P1: a message that was forwarded to a turn', () => {
  it('may arrive while a worker has the turn, and never again after that', async () => {
    const core = await given();
    const key = laneKey(SESSION, LANE);
    const look = () => findForwarded(core, SESSION, MESSAGE, { laneId: LANE, turn: TURN });
    const lane = {
      ...emptyLane(SESSION, asConnectionId('c'), epochSeconds(1)),
      turn: TURN,
      slot: slotOf(TURN),
    };
    await core.store.put(key, { ...lane, lease: 'w' });
    expect(await look()).toEqual({ is: 'under way' });
    // A late duplicate opened a turn of the same id again: nobody has it.
    await core.store.put(key, lane);
    expect(await look()).toEqual({ is: 'nowhere' });
  });
});

describe('what the store refuses for ever', () => {
  /** Refuses what holds this text, and fails in another way for that one. */
  function refusing() {
    const table = new MemoryTable();
    const errors: unknown[] = [];
    const store = memoryStore(table, async (call, run) => {
      const text = JSON.stringify('item' in call ? call.item : '');
      if (text.includes('bad')) throw Object.assign(new Error('refused'), { name: 'ValidationException' });
      if (text.includes('throttled')) throw new Error('throttled');
      return run();
    });
    const core = memoryCore({ store });
    core.log = { ...core.log, error: (_, fields) => errors.push(fields) };
    return { core, table, errors };
  }
  const keys = (table: MemoryTable, kind: string) =>
    [...table.all()].filter(({ sk }) => sk.startsWith(kind)).map(({ sk }) => Number(sk.split('#')[1]));

  it('P9: is left out of the spill, whose other events are there, each where it is looked for', async () => {
    for (const bad of [1, 2, 3, 4, 5, 6, 7]) {
      const { core, table, errors } = refusing();
      const events = [1, 2, 3, 4, 5, 6, 7].map((seq) => chunk(seq, seq === bad ? 'bad' : 'good', 0));
      await spillEvents(core, SESSION, events);
      const items = await core.store.query(eventsKey(SESSION, 0), eventsKey(SESSION, 99));
      const stored = items.flatMap((item) => decodeEvents(item.events).map(({ seq }) => seq));
      expect(stored).toEqual(events.map(({ seq }) => seq).filter((seq) => seq !== bad));
      // Under the number of its last event.
      expect(keys(table, 'EVENTS#')).toEqual(items.map((item) => decodeEvents(item.events).at(-1)?.seq));
      expect(errors).toMatchObject([{ seq: bad }]);
    }
  });

  it('P1: is no entry, and the outcomes of its message and the other entries are there', async () => {
    const { core, table, errors } = refusing();
    const said = (content: string, step: number, seq: number): TurnEvent => ({
      type: 'applied',
      seq,
      turn: TURN,
      messages: [{ id: asMessageId(content), content, at: epochMs(0) }],
      step,
    });
    expect(
      await writeEntries(core, SESSION, [start, said('good', 1, 2), said('bad', 2, 3), said('fine', 2, 4)]),
    ).toBe(3);
    expect(keys(table, 'ENTRY#')).toEqual([1, 3]);
    expect(errors).toMatchObject([{ n: 2, turn: TURN }]);
    for (const [id, placement] of [
      ['good', 'turn'],
      ['bad', 'steering'],
      ['fine', 'steering'],
    ] as const)
      expect(await core.store.get(messageKey(SESSION, asMessageId(id)))).toEqual({
        outcome: 'taken',
        turn: TURN,
        placement,
        expires: 86_400,
      });
  });

  it('P1: is told apart from a failure, which is that of its caller', async () => {
    const { core } = refusing();
    await expect(spillEvents(core, SESSION, [chunk(1, 'throttled', 0)])).rejects.toThrow('throttled');
    const events = [start, chunk(2, 'throttled', 0), { ...aborted, seq: 3 }];
    await expect(writeEntries(core, SESSION, events)).rejects.toThrow('throttled');
  });

  it('entries are written from the one on that is missing', async () => {
    const { core, table } = refusing();
    const events = [start, chunk(2, 'good', 0), { ...aborted, seq: 3 }];
    expect(await writeEntries(core, SESSION, events, 1)).toBe(2);
    expect(keys(table, 'ENTRY#')).toEqual([2]);
  });
});
