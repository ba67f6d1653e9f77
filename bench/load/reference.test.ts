import { expect, it } from 'vitest';
import { itemBytes, WRITE_UNIT_BYTES } from '../../core/store/item-size.ts';
import { toStored } from '../../core/store/stored-names.ts';
import { REFERENCE_SCRIPT, Talk } from './turns.ts';

/** The reference turn in virtual time, where what is gathered depends on no machine: its calls, exactly. */
const REFERENCE = {
  'inbound: GetItem CONNECTION': 2,
  'inbound: UpdateItem RATE': 2,
  'inbound: GetItem MESSAGE': 2,
  'inbound: UpdateItem LANE': 2,
  'inbound: UpdateItem SESSION': 1,
  // Its place among the turns of its principal, taken and given back; its deadline.
  'inbound: UpdateItem TURNS': 1,
  'turn: UpdateItem TURNS': 1,
  'inbound: SendMessage deadline': 1,
  'inbound: SendMessage': 1,
  'inbound: post accepted': 2,
  // Activated, and rolled.
  'turn: UpdateItem SESSION': 2,
  // When it is activated, and before steering is taken in.
  'turn: GetItem LANE': 2,
  // Claimed; begun; text; with the last text of a call its tool; results; steering taken in; done.
  'turn: UpdateItem LANE': 36,
  'turn: PutItem EVENTS': 11,
  'turn: GetItem MESSAGE': 2,
  'turn: PutItem MESSAGE': 2,
  'turn: Query ENTRY': 1,
  'turn: PutItem ENTRY': 10,
  'turn: post turn_start': 1,
  'turn: post applied': 2,
  'turn: post chunk': 30,
  'turn: post tool_call': 2,
  'turn: post tool_result': 2,
  'turn: post done': 1,
};

it('a reference turn asks services for this, and for nothing else', async () => {
  const counts = new Map<string, number>();
  let outgrown = 0;
  const talk = new Talk(({ by, operation }) => {
    const name = `${by}: ${operation}`;
    counts.set(name, (counts.get(name) ?? 0) + 1);
    if (operation === 'UpdateItem LANE' && laneBytes(talk) > WRITE_UNIT_BYTES) outgrown++;
  });
  await talk.cloud.time.run(async () => {
    const client = await talk.connect();
    await talk.turn(client, REFERENCE_SCRIPT, 1);
    counts.clear();
    outgrown = 0;
    await talk.turn(client, REFERENCE_SCRIPT, 1);
  });
  expect(Object.fromEntries(counts)).toEqual(REFERENCE);
  // Events leave the lane in time, so that each of its writes is of one write unit.
  expect(outgrown).toBe(0);
});

function laneBytes({ cloud }: Talk): number {
  for (const { pk, sk, item } of cloud.table.all()) {
    if (sk.startsWith('LANE#')) return itemBytes({ pk, sk, ...toStored(item) });
  }
  throw new Error('There is no lane.');
}
