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

/** Notes how many items each query returns. */
function countingReads(core: Awaited<ReturnType<typeof given>>): number[] {
  const reads: number[] = [];
  const { query } = core.store;
  core.store.query = async (...of: Parameters<typeof query>) => {
    const items = await query(...of);
    reads.push(items.length);
    return items as never;
  };
  return reads;
}

describe('a reader who wants one entry', () => {
  it.each([
    [
      'backwards',
      (core: Parameters<typeof readTranscriptBefore>[0]) => readTranscriptBefore(core, SESSION, 201, 2),
    ],
    ['forwards', (core: Parameters<typeof readTranscriptFrom>[0]) => readTranscriptFrom(core, SESSION, 1, 2)],
  ])('reads few, and more only as it goes on: %s', async (_, read) => {
    const core = await given(300);
    const reads = countingReads(core);
    for await (const entry of read(core)) {
      expect(entry.n).toBeGreaterThan(0);
      break;
    }
    expect(reads.reduce((sum, count) => sum + count, 0)).toBeLessThan(10);
    for await (const _entry of read(core));
    expect(reads.length).toBeLessThan(20);
  });
});

/** A page that is read has 100 entries. */
describe.each([98, 100, 102, 250])('P1: a transcript of %i entries', (count) => {
  it('is read whole, forwards and backwards, each entry once', async () => {
    const core = await given(count);
    expect(await numbersOf(readTranscriptBefore(core, SESSION))).toEqual(upTo(count).reverse());
    expect(await numbersOf(readTranscriptFrom(core, SESSION, 1))).toEqual(upTo(count));
  });
});
