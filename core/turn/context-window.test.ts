import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { epochMs, epochSeconds } from '../../config/units.ts';
import { anyText } from '../../test/support/text.ts';
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
  const read = (maxTokens: number, from?: number) =>
    readEarlierTurns({ store, clock }, SESSION, entries.length + 1, { maxTokens, from });
  return { entries, read, pages: () => pages };
}

const bytesOf = (entries: readonly Entry[]) =>
  entries.reduce((sum, entry) => sum + Buffer.byteLength(JSON.stringify(entry)), 0);

describe('P11, P13: earlier turns in a prompt', () => {
  const texts = fc.array(anyText({ maxLength: 40 }), { minLength: 1, maxLength: 5 });
  const turnsOf = (entries: readonly Entry[]) => new Set(entries.map(({ turn }) => turn)).size;

  it('are all since the last cut; beyond the budget as many whole ones as fill half of it, or the last one', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(texts, { maxLength: 8 }),
        fc.integer({ min: 0, max: 500 }),
        fc.nat(7),
        async (turns, max, cutBefore) => {
          const { entries, read } = await given(turns);
          const suffixes = turns.map((_, first) =>
            entries.filter(({ turn }) => Number(turn.slice(1)) >= first),
          );
          const since = suffixes[cutBefore] ?? entries;
          const from = since[0]?.n ?? 1;
          const fits = (part: number) => (suffix: readonly Entry[]) =>
            suffix.length <= since.length && bytesOf(suffix) <= max * TOKEN_BYTES * part;
          const isCut = !fits(1)(since);
          const last = suffixes.at(-1) ?? [];
          const kept = isCut ? (suffixes.find(fits(0.5)) ?? (fits(1)(last) ? last : [])) : since;
          const { entries: found, cutAt, trimmed } = await read(max, from);
          expect(found).toEqual(kept);
          expect(cutAt).toBe(isCut ? (kept[0]?.n ?? entries.length + 1) : undefined);
          const dropped = entries.length - kept.length;
          expect(trimmed).toEqual(dropped > 0 ? { dropped, keptTurns: turnsOf(kept) } : undefined);
        },
      ),
    );
  });

  it('are cut rarely: between two cuts a prompt begins where the one before began', async () => {
    const turns: string[][] = [];
    const begins: number[] = [];
    let from = 1;
    for (let n = 0; n < 200; n++) {
      turns.push(['a question of some length', 'an answer of some length']);
      const { read } = await given(turns);
      const { entries, cutAt } = await read(1000, from);
      from = cutAt ?? from;
      expect(entries[0]?.n).toBe(from);
      begins.push(from);
    }
    // Of 4,000 bytes, about 170 are one turn's: every twelfth turn makes a cut.
    expect(new Set(begins).size).toBeLessThan(20);
  });

  it('cost what fits, not what there is: of 10,000 entries as much is read as of 200', async () => {
    const long = await given(Array.from({ length: 5000 }, () => ['question', 'answer']));
    const short = await given(Array.from({ length: 100 }, () => ['question', 'answer']));
    const [ofLong, ofShort] = [await long.read(2000), await short.read(2000)];
    expect(long.pages()).toBe(2);
    expect(short.pages()).toBe(2);
    expect(ofLong.entries.length).toBeGreaterThan(50);
    expect(ofShort.entries.length).toBeLessThan(200);
  });
});
