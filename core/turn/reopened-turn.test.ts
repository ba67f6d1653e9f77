import { expect, it } from 'vitest';
import type { EpochMs } from '../../config/units.ts';
import { encodeEvents, type TurnEvent } from '../events/events.ts';
import { readTranscriptFrom } from '../events/transcript.ts';
import { asMessageId, asTurnId } from '../ids.ts';
import type { Model } from '../model.ts';
import type { Lane, Session } from '../store/items.ts';
import { laneKey, sessionKey } from '../store/keys.ts';
import { turnInMemory } from '../testing/turn-in-memory.ts';

const model: Model = {
  provider: 'p',
  name: 'm',
  async *stream() {
    yield { type: 'text', text: 'Yes.' };
    yield { type: 'finish', reason: 'stop', usage: { inputTokens: 1, outputTokens: 1 } };
  },
};

/** A turn of four events from `seq` on, and of three entries from `entry` on. */
const aborted = (id: string, seq: number, entry: number, at: EpochMs): TurnEvent[] => {
  const turn = asTurnId(id);
  const messages = [{ id: asMessageId(`of ${id}`), content: `question of ${id}`, at }];
  return [
    { type: 'turn_start', seq, turn, message_ids: [asMessageId(`of ${id}`)], entry, at },
    { type: 'applied', seq: seq + 1, turn, messages, step: 1 },
    { type: 'chunk', seq: seq + 2, turn, content: `answer of ${id}`, offset: 0 },
    { type: 'aborted', seq: seq + 3, turn, by: 's', first: entry },
  ];
};

/**
 * A request that was on its way for long opens the lane's turn before the last under its old id. The worker that ended both
 * has not told the session yet: what the lane says of entries is all that is known.
 */
it('P8: a turn that was opened again under the id of one before the last writes no entry of the last one', async () => {
  const turn = await turnInMemory(model);
  const { core, session } = turn;
  await turn.send('m', 'hello');
  const lane = (await turn.read()) as Lane;
  const now = core.clock.now();
  const events = [...aborted('first', 1, 1, now), ...aborted('last', 5, 4, now)];
  await core.store.put(laneKey(session, turn.lane), {
    ...lane,
    turn: asTurnId('first'),
    begun: { turn: asTurnId('last'), seq: 5, entry: 4, at: now },
    unspilled: encodeEvents(events),
    seq: 8,
    entry: 6,
  });
  expect(((await core.store.get(sessionKey(session))) as Session).entry).toBe(0);
  expect(await turn.run()).toBe(1);
  const told: string[] = [];
  for await (const entry of readTranscriptFrom(core, session, 1, 100)) {
    if (entry.role === 'user' || entry.role === 'assistant') told.push(`${entry.n} ${entry.content}`);
  }
  expect(told).toEqual([
    '1 question of first',
    '2 answer of first',
    '4 question of last',
    '5 answer of last',
    '7 hello',
    '8 Yes.',
  ]);
});
