import { expect, it } from 'vitest';
import { hostPlatform } from './platform.ts';

it('ids are short, need no escaping, and are never the same', () => {
  const { newId } = hostPlatform();
  const ids = Array.from({ length: 1000 }, newId);
  for (const id of ids) expect(id).toMatch(/^[\w-]{20}$/);
  expect(new Set(ids).size).toBe(ids.length);
});
