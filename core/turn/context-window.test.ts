import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { epochMs, epochSeconds } from '../../config/units.ts';
import type { Entry } from '../events/entries.ts';
import { asSessionKey, asTurnId } from '../ids.ts';
import type { Store } from '../ports.ts';
import { entryKey } from '../store/keys.ts';
import { memoryStore } from '../testing/memory-store.ts';
import { readEarlierTurns } from './context-window.ts';

const SESSION = asSessionKey('s');
const TOKEN_BYTES = 4;
const clock = { now: () => epochMs(0), sleep: async () => {} };

/** One turn per list, one entry per text. */
async function given(turns: readonly (readonly string[])[]) {
  const memory = memoryStore();
  const entries: Entry[] = [];
  for (const [t, texts] of turns.entries()) {
    for (const content of texts) {
      const entry: Entry = { n: entries.length + 1, role: 'assistant', turn: asTurnId(`t${t}`), content };
      entries.push(entry);
      await memory.put(entryKey(SESSION, entry.n), { ...entry, expires: epochSeconds(1) });
    }
  }
  let pages = 0;
  const store: Store = {
    ...memory,
    query(...args) {
      pages++;
      return memory.query(...args);
    },
  };
  const read = (maxTokens: number) =>
    readEarlierTurns({ store, clock }, SESSION, entries.length + 1, maxTokens);
  return { entries, read, pages: () => pages };
}

const bytesOf = (entries: readonly Entry[]) =>
  entries.reduce((sum, entry) => sum + Buffer.byteLength(JSON.stringify(entry)), 0);

describe('P11, P13: earlier turns in a prompt', () => {
  it('are as many of the last as the budget has room for, each whole', async () => {
    const texts = fc.array(fc.string({ maxLength: 40, unit: 'grapheme' }), { minLength: 1, maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(
        fc.array(texts, { maxLength: 8 }),
        fc.integer({ min: 0, max: 500 }),
        async (turns, max) => {
          const { entries, read } = await given(turns);
          const suffixes = turns.map((_, first) =>
            entries.filter(({ turn }) => Number(turn.slice(1)) >= first),
          );
          const kept = suffixes.find((suffix) => bytesOf(suffix) <= max * TOKEN_BYTES) ?? [];
          const dropped = entries.length - kept.length;
          const keptTurns = new Set(kept.map(({ turn }) => turn)).size;
          expect(await read(max)).toEqual(
            dropped ? { entries: kept, trimmed: { dropped, keptTurns } } : { entries: kept },
          );
        },
      ),
    );
  });

  it('cost what fits, not what there is: of 10,000 entries as much is read as of 200', async () => {
    const long = await given(Array.from({ length: 5000 }, () => ['question', 'answer']));
    const short = await given(Array.from({ length: 100 }, () => ['question', 'answer']));
    const [ofLong, ofShort] = [await long.read(2000), await short.read(2000)];
    expect(long.pages()).toBe(2);
    expect(short.pages()).toBe(2);
    expect(ofLong.entries.length).toBeGreaterThan(100);
    expect(ofShort.entries.length).toBeLessThan(200);
  });
});
