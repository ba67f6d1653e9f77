import { expect, it } from 'vitest';
import { epochMs, epochSeconds } from '../../config/units.ts';
import { encodeEvents, type TurnEvent } from '../events/events.ts';
import { spillEvents } from '../events/journal.ts';
import { asConnectionId, asMessageId, asSessionId, asTurnId, slotOf } from '../ids.ts';
import type { Lane, Session } from '../store/items.ts';
import { sessionOf } from '../store/keys.ts';
import { emptyLane } from '../store/lane/lane.ts';
import { memoryCore } from '../testing/memory-core.ts';
import { MemoryTable, memoryStore } from '../testing/memory-store.ts';
import { recover } from './recover.ts';

const principal = { tenant: 't', subject: 's' };
const sessionId = asSessionId('session');
const session = sessionOf(principal, sessionId);
const turn = asTurnId('turn');
const expires = epochSeconds(1000);

const events: TurnEvent[] = [
  { type: 'turn_start', seq: 1, turn, message_ids: [asMessageId('m')], entry: 1, at: epochMs(0) },
  { type: 'chunk', seq: 2, turn, content: 'one ', offset: 0 },
  { type: 'chunk', seq: 3, turn, content: 'two ', offset: 4 },
  { type: 'chunk', seq: 4, turn, content: 'three', offset: 8 },
];

it.each([1, 2, 3, 4])(
  'P8: a worker that claimed the lane at event %i and was slow to read recovers no event that its successors spilled',
  async (claimedAt) => {
    const core = memoryCore({ store: memoryStore(new MemoryTable()) });
    for (const event of events) await spillEvents(core, session, [event]);
    const lane: Lane = {
      ...emptyLane(session, asConnectionId('c'), expires),
      turn,
      slot: slotOf(turn),
      begun: { turn, seq: 1, entry: 1, at: epochMs(0) },
      unspilled: encodeEvents(events.slice(claimedAt - 1, claimedAt)),
      seq: claimedAt,
    };
    const item: Session = {
      principal,
      sessionId,
      created: epochMs(0),
      queue: {},
      audience: {},
      seq: 0,
      entry: 0,
      expires,
    };
    const recovered = await recover(core, lane, item);
    expect(recovered?.stored.map(({ seq }) => seq)).toEqual(events.slice(0, claimedAt).map(({ seq }) => seq));
    expect(recovered?.log.events.at(-1)?.seq).toBe(claimedAt);
  },
);
