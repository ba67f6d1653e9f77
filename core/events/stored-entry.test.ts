import fc from 'fast-check';
import { expect, test } from 'vitest';
import { epochMs, epochSeconds } from '../../config/units.ts';
import { asMessageId, asTurnId } from '../ids.ts';
import type { StoredEntry } from '../store/items.ts';
import type { Entry } from './entries.ts';
import { historyEntry } from './history-entry.ts';
import { entryOf, storedEntry } from './stored-entry.ts';

const call = { n: 1, turn: asTurnId('t'), role: 'tool_call', id: 'c', name: 'tool' } as const;
const result = { n: 2, turn: asTurnId('t'), role: 'tool_result', id: 'c', name: 'tool' } as const;

test('P13: whatever JSON a tool was given and gave, its entries come back as they were', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (json) => {
      // JSON has no negative zero.
      const value = JSON.parse(JSON.stringify(json));
      for (const entry of [
        { ...call, args: value },
        { ...result, output: value, is_error: true },
      ] as Entry[]) {
        expect(entryOf(storedEntry(entry, { first: 1, expires: epochSeconds(1) }))).toEqual(entry);
      }
    }),
  );
});

test('entries of earlier versions, which hold maps, are read as well', () => {
  const stored: StoredEntry[] = [
    { ...call, args: { at: 1 }, expires: epochSeconds(9) },
    { ...result, output: ['x'], expires: epochSeconds(9) },
  ];
  expect(stored.map(entryOf)).toEqual([
    { ...call, args: { at: 1 } },
    { ...result, output: ['x'] },
  ]);
});

test('P3: an event of the transcript is stored as it is on the lane, and comes back as it was', () => {
  const turn = asTurnId('t');
  const end: Entry = {
    n: 3,
    turn,
    role: 'event',
    event: { type: 'aborted', seq: 9, turn, by: 'eva', first: 4 },
  };
  const stored = storedEntry(end, { first: 1, expires: epochSeconds(9) });
  expect(stored).toEqual({
    n: 3,
    turn: 't',
    role: 'event',
    event_json: '[9,"aborted",{"by":"eva","first":4},"t"]',
    first: 1,
    expires: 9,
  });
  expect(entryOf(stored)).toEqual(end);
});

test('after a rollback, an event that a newer version put into the transcript is told as it is', () => {
  const stored: StoredEntry = {
    n: 3,
    turn: asTurnId('t'),
    role: 'event',
    event_json: '[9,"rating",{"stars":4},"t"]',
    expires: epochSeconds(9),
  };
  expect(historyEntry(entryOf(stored))).toEqual({
    n: 3,
    turn_id: 't',
    role: 'event',
    event: { type: 'rating', seq: 9, turn_id: 't', stars: 4 },
  });
});

test('P13: an entry says with which one its turn begins, and expires with it, whatever it is', () => {
  const verbatim = { model: 'p:m', parts: [] };
  const user = {
    n: 2,
    turn: asTurnId('t'),
    role: 'user',
    id: asMessageId('m'),
    content: 'x',
    at: epochMs(1),
    step: 1,
  };
  const text = { n: 2, turn: asTurnId('t'), role: 'assistant', content: 'x' };
  const ended = { type: 'aborted', seq: 9, turn: asTurnId('t'), by: 'eva', first: 4 };
  for (const entry of [
    user,
    text,
    { ...text, verbatim },
    { ...call, args: 1 },
    { ...call, args: 1, verbatim },
    { ...result, output: 1, shown: null },
    { ...result, output: 1, verbatim },
    { n: 2, turn: asTurnId('t'), role: 'event', event: ended },
  ] as Entry[]) {
    const stored = storedEntry(entry, { first: 7, expires: epochSeconds(9) });
    expect(stored).toMatchObject({ first: 7, expires: 9 });
    expect(entryOf(stored)).toEqual(entry);
    expect(JSON.stringify(stored)).not.toContain('"verbatim":');
  }
});
