import { expect, it } from 'vitest';
import { itemBytes } from './item-size.ts';

it('counts names and values, and what lists and maps add', () => {
  // 1 + 5, in bytes of UTF-8.
  expect(itemBytes({ a: 'größ' })).toBe(1 + 6);
  // Two digits a byte, and one more.
  expect([1, 12, 123, 1700000000].map((n) => itemBytes({ n }))).toEqual([3, 3, 4, 7]);
  expect(itemBytes({ n: -1 })).toBe(1 + 3);
  expect(itemBytes({ yes: true, none: undefined })).toBe(3 + 1);
  expect(itemBytes({ list: ['ab', 'c'] })).toBe(4 + 3 + (1 + 2) + (1 + 1));
  expect(itemBytes({ map: { k: 'v' } })).toBe(3 + 3 + (1 + 1 + 1));
});
