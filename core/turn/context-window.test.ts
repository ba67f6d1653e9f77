import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { epochMs, epochSeconds } from '../../config/units.ts';
import { anyText } from '../../test/support/text.ts';
import type { Entry } from '../events/entries.ts';
import { storedEntry } from '../events/stored-entry.ts';
import { asMessageId, asSessionKey, asTurnId } from '../ids.ts';
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
  /** How many entries each query gave. */
  const pages: number[] = [];
  const store: Store = {
    ...memory,
    async query(...args) {
      const found = await memory.query(...args);
      pages.push(found.length);
      return found;
    },
  };
  const read = (maxTokens: number, from?: number) =>
    readEarlierTurns({ store, clock }, SESSION, entries.length + 1, { maxTokens, from });
  return { entries, read, pages: () => pages };
}

/** Ten turns whose provider counts a token for so many bytes. */
async function counted(bytesPerToken: number) {
  const memory = memoryStore();
  let count = 0;
  let bytes = 0;
  const put = async (entry: Entry) => {
    count = entry.n;
    await memory.put(
      entryKey(SESSION, entry.n),
      storedEntry(entry, { first: entry.n - ((entry.n - 1) % 3), expires: epochSeconds(1) }),
    );
  };
  for (let t = 0; t < 10; t++) {
    const turn = asTurnId(`t${t}`);
    const [ask, answer] = ['q', 'a'].map((letter, i): Entry => {
      const content = letter.repeat(950);
      const n = 3 * t + 1 + i;
      return i === 0
        ? { n, turn, role: 'user', id: asMessageId(`m${t}`), content, at: epochMs(0), step: 1 }
        : { n, turn, role: 'assistant', content };
    });
    if (!ask || !answer) throw new Error('a turn has two entries');
    bytes += bytesOf([ask]);
    const tokens = Math.round(bytes / bytesPerToken);
    bytes += bytesOf([answer]);
    const usage = { input_tokens: tokens, last_input_tokens: tokens, output_tokens: 1 };
    const done = {
      type: 'done',
      seq: t,
      turn,
      first: 0,
      ...usage,
      model: 'm',
      provider: 'p',
      steps: 1,
    } as const;
    for (const entry of [ask, answer]) await put({ ...entry, n: entry.n });
    await put({ n: 3 * t + 3, turn, role: 'event', event: done });
  }
  return { memory, count };
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

  it('are weighed as the provider counted the last turns, and not by bytes alone', async () => {
    const { memory, count } = await counted(1.5);
    const read = (maxTokens: number) =>
      readEarlierTurns({ store: memory, clock }, SESSION, count + 1, { maxTokens });
    // Ten turns of about 2,000 bytes, thus of about 1,400 tokens. By four bytes a token they were 5,400.
    expect((await read(16_000)).cutAt).toBeUndefined();
    const { cutAt, entries } = await read(9000);
    expect(cutAt).toBeGreaterThan(1);
    expect(bytesOf(entries.filter(({ role }) => role !== 'event'))).toBeLessThan(9000 * 1.5);
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
    // A cut keeps a part of what would fit, so that the next one is rare.
    expect(long.pages()).toEqual([100, 100]);
    expect(short.pages()).toEqual([100, 100]);
    const fits = ofShort.entries.length;
    expect(fits).toBeGreaterThan(50);
    expect(fits).toBeLessThan(200);
    // Their numbers are longer.
    expect(ofLong.entries.length).toBeGreaterThan(50);
    expect(ofLong.entries.length).toBeLessThanOrEqual(fits);
  });
});
