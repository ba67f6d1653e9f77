import { describe, expect, it } from 'vitest';
import { epochMs, epochSeconds } from '../../config/units.ts';
import { asMessageId, asSessionId, asSessionKey, asTurnId } from '../ids.ts';
import { entryKey, sessionKey } from '../store/keys.ts';
import { memoryCore } from '../testing/memory-core.ts';
import type { Entry } from './entries.ts';
import { storedEntry } from './stored-entry.ts';
import { readTranscriptBefore, readTranscriptFrom } from './transcript.ts';

const SESSION = asSessionKey('s');
const expires = epochSeconds(1000);

/** A session of turns that have two entries each. */
async function given(count: number) {
  const core = memoryCore();
  await core.store.put(sessionKey(SESSION), {
    principal: { tenant: 't', subject: 's' },
    sessionId: asSessionId('s'),
    created: epochMs(0),
    queue: {},
    seq: 0,
    entry: count,
    audience: {},
    expires,
  });
  for (let n = 1; n <= count; n += 2) {
    const turn = asTurnId(`t${n}`);
    const entries: Entry[] = [
      { n, turn, role: 'user', id: asMessageId(`m${n}`), content: 'ask', at: epochMs(0), step: 1 },
      { n: n + 1, turn, role: 'assistant', content: 'answer' },
    ];
    for (const entry of entries)
      await core.store.put(entryKey(SESSION, entry.n), storedEntry(entry, { first: n, expires }));
  }
  return core;
}

async function numbersOf(entries: AsyncIterable<Entry>): Promise<number[]> {
  const numbers: number[] = [];
  for await (const { n } of entries) numbers.push(n);
  return numbers;
}

const upTo = (count: number) => Array.from({ length: count }, (_, i) => i + 1);

/** A page that is read has 100 entries. */
describe.each([98, 100, 102, 250])('P1: a transcript of %i entries', (count) => {
  it('is read whole, forwards and backwards, each entry once', async () => {
    const core = await given(count);
    expect(await numbersOf(readTranscriptBefore(core, SESSION))).toEqual(upTo(count).reverse());
    expect(await numbersOf(readTranscriptFrom(core, SESSION, 1))).toEqual(upTo(count));
  });
});
