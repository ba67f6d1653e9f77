import { expect, it } from 'vitest';
import { guarded, type Kept } from './kept.ts';

const refusing = (name: string) => (): never => {
  throw new DOMException('refused', name);
};

it('where the browser blocks its storage, what is stored is there until the page is left', () => {
  const kept = guarded(refusing('SecurityError'));
  expect(kept.getItem('a')).toBeNull();
  kept.setItem('a', '1');
  expect(kept.getItem('a')).toBe('1');
  kept.removeItem('a');
  expect(kept.getItem('a')).toBeNull();
});

it('where the storage is full, the new value counts, and not the stored one; later ones are stored', () => {
  const stored = new Map([['a', 'old']]);
  let isFull = true;
  const storage: Kept = {
    getItem: (key) => stored.get(key) ?? null,
    setItem: (key, value) => (isFull ? refusing('QuotaExceededError')() : stored.set(key, value)),
    removeItem: (key) => stored.delete(key),
  };
  const kept = guarded(() => storage);
  kept.setItem('a', 'new');
  expect([kept.getItem('a'), stored.get('a')]).toEqual(['new', 'old']);
  isFull = false;
  kept.setItem('a', 'newest');
  expect([kept.getItem('a'), stored.get('a')]).toEqual(['newest', 'newest']);
});
