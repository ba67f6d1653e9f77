import { expect, it } from 'vitest';
import { epochMs, epochSeconds } from '../../config/units.ts';
import type { Model } from '../model.ts';
import { cachedAnswerKey, cacheNoteKey } from '../store/keys.ts';
import { memoryStore } from '../testing/memory-store.ts';
import { turnInMemory } from '../testing/turn-in-memory.ts';
import { carryOutDeletion } from './deletion.ts';

const MINUTE = 60_000;
const expires = epochSeconds(2_000_000_000);

const silent: Model = {
  provider: 'test',
  name: 'silent',
  async *stream() {
    yield { type: 'finish', reason: 'stop', usage: { inputTokens: 1, outputTokens: 1 } };
  },
};

it('retention: an answer that a slow function caches after the deletion of its session is removed in the end', async () => {
  const begin = epochMs(1_800_000_000_000);
  let now = begin;
  const store = memoryStore();
  const { core, session } = await turnInMemory(silent, {
    core: { store, clock: { now: () => now, sleep: async () => {} } },
  });
  const answer = cachedAnswerKey('digest');
  const note = cacheNoteKey(session, answer);
  await store.putIfAbsent(note, { expires });
  const deletion = { session, at: begin, until: epochMs(begin + 20 * MINUTE) };
  await carryOutDeletion(core, deletion);
  // The function had begun before, and puts the answer after its note.
  await store.putIfAbsent(answer, { text: 'said in the session', expires });
  now = deletion.until;
  await carryOutDeletion(core, deletion);
  expect(await store.get(answer)).toBeUndefined();
  expect(await store.get(note)).toBeUndefined();
});
