import fc from 'fast-check';
import { expect, test } from 'vitest';
import { epochSeconds } from '../../config/units.ts';
import { asTurnId } from '../ids.ts';
import type { StoredEntry } from '../store/items.ts';
import type { Entry } from './entries.ts';
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
