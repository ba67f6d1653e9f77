import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type EpochSeconds, epochMs, epochSeconds } from '../../config/units.ts';
import { asMessageId, asSessionId, asSessionKey, asTurnId } from '../ids.ts';
import type { Session, StoredEntry } from '../store/items.ts';
import { entryKey, eventsKey, sessionKey } from '../store/keys.ts';
import { memoryCore } from '../testing/memory-core.ts';
import type { Entry } from './entries.ts';
import { encodeEvents, type TurnEvent } from './events.ts';
import { readEvents, writeEntries } from './journal.ts';
import { promptOf } from './prompt.ts';
import { storedEntry } from './stored-entry.ts';
import { readEntriesBefore, readTranscriptFrom } from './transcript.ts';

const SESSION = asSessionKey('s');
const DAY = 86_400;
const NOW = epochMs(1_800_000_000_000);
const LATER = epochSeconds(NOW / 1000 + DAY);
const core = () => memoryCore({ clock: { now: () => NOW, sleep: async () => {} } });

const session: Session = {
  principal: { tenant: 't', subject: 's' },
  sessionId: asSessionId('s'),
  created: NOW,
  queue: {},
  seq: 0,
  entry: 0,
  audience: {},
  expires: LATER,
};

/** A turn: a message, calls with their results, an answer. */
function turnEntries(turn: number, first: number, calls: number): Entry[] {
  const of = { turn: asTurnId(`t${turn}`) };
  const ids = Array.from({ length: calls }, (_, i) => `t${turn}-call${i}`);
  const entries = [
    { ...of, role: 'user', id: asMessageId(`m${turn}`), content: 'ask', at: NOW, step: 1 },
    ...ids.map((id) => ({ ...of, role: 'tool_call', id, name: 'tool', args: null })),
    ...ids.map((id) => ({ ...of, role: 'tool_result', id, name: 'tool', output: null })),
    { ...of, role: 'assistant', content: 'answer' },
  ];
  return entries.map((entry, i) => ({ n: first + i, ...entry })) as Entry[];
}

const transcripts = fc.array(fc.nat(3), { minLength: 1, maxLength: 6 }).map((turns) => {
  const all: Entry[][] = [];
  for (const [i, calls] of turns.entries()) all.push(turnEntries(i, all.flat().length + 1, calls));
  return all;
});

async function read(entries: AsyncIterable<Entry>): Promise<Entry[]> {
  const found: Entry[] = [];
  for await (const entry of entries) found.push(entry);
  return found;
}

/** Both ways of reading give the same entries, oldest first. */
async function readBothWays(stored: readonly StoredEntry[], count: number) {
  const memory = core();
  await memory.store.put(sessionKey(SESSION), { ...session, entry: count });
  for (const item of stored) await memory.store.put(entryKey(SESSION, item.n), item);
  const backwards = (await read(readEntriesBefore(memory, SESSION, count + 1))).reverse();
  expect(await read(readTranscriptFrom(memory, SESSION, 1))).toEqual(backwards);
  return backwards;
}

const isPaired = (entries: readonly Entry[]) => {
  for (const [i, message] of promptOf(entries).entries()) {
    const before = promptOf(entries)[i - 1];
    const asked = before?.role === 'assistant' ? before.calls.map(({ id }) => id) : [];
    const results = message.role === 'tool' ? message.results.map(({ id }) => id) : [];
    if (asked.toSorted().join() !== results.toSorted().join()) return false;
  }
  return true;
};

describe('P13: a transcript of which single entries have vanished', () => {
  it('has its whole turns, and no part of another', async () => {
    await fc.assert(
      fc.asyncProperty(transcripts, fc.infiniteStream(fc.nat(9)), async (turns, dice) => {
        const isGone = () => dice.next().value < 2;
        const kept = turns.map((entries) => entries.filter(() => !isGone()));
        const stored = kept.flatMap((entries, i) =>
          entries.map((entry) => storedEntry(entry, { first: turns[i]?.[0]?.n ?? 0, expires: LATER })),
        );
        // Of a turn before one that is gone altogether nobody can tell where it ends.
        const whole = turns.filter(
          (entries, i) => entries.length === kept[i]?.length && kept[i + 1]?.length !== 0,
        );
        expect(await readBothWays(stored, turns.flat().length)).toEqual(whole.flat());
      }),
    );
  });

  it('is never read with half a turn, also where an earlier version stored it', async () => {
    await fc.assert(
      fc.asyncProperty(transcripts, fc.infiniteStream(fc.nat(9)), async (turns, dice) => {
        const kept = turns.flat().filter(() => dice.next().value >= 2);
        const stored = kept.map((entry) => {
          const { first: _, ...old } = storedEntry(entry, { first: 0, expires: LATER });
          return old as StoredEntry;
        });
        const found = await readBothWays(stored, turns.flat().length);
        expect(
          turns.filter((entries) => entries.some((e) => found.some(({ n }) => n === e.n))).flat(),
        ).toEqual(found);
        expect(isPaired(found)).toBe(true);
      }),
    );
  });

  it('is read without what has expired and is not removed yet', async () => {
    const [old, young] = [turnEntries(0, 1, 1), turnEntries(1, 5, 1)];
    const past: EpochSeconds = epochSeconds(NOW / 1000);
    const stored = [
      ...old.map((entry) => storedEntry(entry, { first: 1, expires: past })),
      ...young.map((entry) => storedEntry(entry, { first: 5, expires: LATER })),
    ];
    expect(await readBothWays(stored, 8)).toEqual(young);
  });
});

it('P1: entries of a turn expire together, whoever writes them and when', async () => {
  const start: TurnEvent = {
    type: 'turn_start',
    seq: 1,
    turn: asTurnId('t'),
    message_ids: [],
    entry: 1,
    at: NOW,
  };
  const chunk: TurnEvent = {
    type: 'chunk',
    seq: 2,
    turn: asTurnId('t'),
    content: 'x'.repeat(20_000),
    offset: 0,
  };
  let now = NOW;
  const memory = memoryCore({ clock: { now: () => now, sleep: async () => {} } });
  await writeEntries(memory, SESSION, [start, chunk]);
  now = epochMs(NOW + 3_600_000);
  await writeEntries(memory, SESSION, [start, chunk, { ...chunk, seq: 3, offset: 20_000 }], 4);
  const items = await memory.store.query(entryKey(SESSION, 1), entryKey(SESSION, 99));
  expect(items.length).toBeGreaterThan(5);
  expect(new Set(items.map(({ expires }) => expires))).toEqual(
    new Set([epochSeconds(NOW / 1000 + memory.retention.transcriptDays * DAY)]),
  );
});

it('P9: spilled events are read from the last hole on, and without what has expired', async () => {
  const memory = core();
  const chunk = (seq: number): TurnEvent => ({
    type: 'chunk',
    seq,
    turn: asTurnId('t'),
    content: 'x',
    offset: seq,
  });
  const put = (seqs: readonly number[], expires = LATER) =>
    memory.store.put(eventsKey(SESSION, seqs.at(-1) ?? 0), {
      events: encodeEvents(seqs.map(chunk)),
      expires,
    });
  await put([1, 2]);
  await put([5, 6]);
  await put([7, 8]);
  expect((await readEvents(memory, SESSION, 1)).map(({ seq }) => seq)).toEqual([5, 6, 7, 8]);
  await put([5, 6], epochSeconds(NOW / 1000));
  expect((await readEvents(memory, SESSION, 1)).map(({ seq }) => seq)).toEqual([7, 8]);
});
