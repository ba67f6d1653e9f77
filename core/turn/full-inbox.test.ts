import { expect, test } from 'vitest';
import { MAX_CONTENT_BYTES } from '../../protocol/limits.ts';
import type { Model } from '../model.ts';
import { itemBytes, WRITE_UNIT_BYTES } from '../store/item-size.ts';
import type { Key } from '../store/keys.ts';
import { toStored } from '../store/stored-names.ts';
import { MemoryTable, memoryStore } from '../testing/memory-store.ts';
import { type TurnInMemory, turnInMemory } from '../testing/turn-in-memory.ts';

const CHUNKS = 100;
/** About what a window gathers in the reference turn of docs/cost.md. */
const CHUNK = ' the plan for a team of fiv';
const LONG = 'x'.repeat(MAX_CONTENT_BYTES - 2);

/** Write units while a turn streams: of commits on the lane, and of events that are spilled. */
interface Units {
  commits: number;
  spills: number;
}

async function unitsOfStream(meanwhile: (turn: TurnInMemory) => Promise<void>): Promise<Units> {
  const units: Units = { commits: 0, spills: 0 };
  let counts = false;
  const table = new MemoryTable();
  const store = memoryStore(table, async ({ operation, key }, run) => {
    const result = run();
    if (counts && operation === 'update' && key.sk.startsWith('LANE#')) units.commits += unitsOf(table, key);
    if (counts && operation === 'put' && key.sk.startsWith('EVENTS#')) units.spills += unitsOf(table, key);
    return result;
  });
  const model: Model = {
    provider: 'test',
    name: 'streams',
    async *stream(request) {
      yield { type: 'text', text: 'It begins' };
      if (request.messages.length === 1) {
        await meanwhile(turn);
        counts = true;
        for (let n = 0; n < CHUNKS; n++) yield { type: 'text', text: CHUNK };
        counts = false;
      }
      yield { type: 'finish', reason: 'stop', usage: { inputTokens: 1, outputTokens: 1 } };
    },
  };
  const turn = await turnInMemory(model, { core: { store } });
  await turn.send('first', 'hello');
  await turn.run();
  return units;
}

const unitsOf = (table: MemoryTable, key: Key<unknown>) =>
  Math.ceil(itemBytes({ ...key, ...toStored(table.get(key)) }) / WRITE_UNIT_BYTES);

const idOf = (n: number) => `message-${String(n).padStart(14, '0')}`;

test('a commit costs the same whatever content waits', async () => {
  const empty = await unitsOfStream(async () => {});
  const full = await unitsOfStream(async (turn) => {
    let sent = 0;
    while (await turn.send(idOf(sent), LONG)) sent++;
    // More would exceed MIDTURN_INBOX_BYTES.
    expect(sent).toBe(5);
  });
  expect(empty.commits).toBeGreaterThanOrEqual(CHUNKS);
  expect(full.commits / empty.commits).toBeLessThanOrEqual(1.1);
  // What the lane says of each message, 70 bytes, leaves less room for events, so they are spilled more often.
  expect((full.commits + full.spills) / (empty.commits + empty.spills)).toBeLessThanOrEqual(1.15);
});

test('many short messages do not make a lane hold more content than a long one', async () => {
  const { commits } = await unitsOfStream(async (turn) => {
    for (let n = 0; n < 20; n++) expect(await turn.send(idOf(n), 'y'.repeat(900))).toBe(true);
  });
  // 20 times 70 bytes, and the content of the first one.
  expect(commits / CHUNKS).toBeLessThanOrEqual(4);
});
