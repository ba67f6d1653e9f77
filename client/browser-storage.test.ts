import { expect, it } from 'vitest';
import { claimTab, type Locks } from './browser-storage.ts';

/** The `sessionStorage` of a tab; `from` is the tab that it was duplicated from. */
function tabStorage(from: Iterable<[string, string]> = []): Storage & Iterable<[string, string]> {
  const items = new Map(from);
  return {
    get length() {
      return items.size;
    },
    key: (index) => [...items.keys()][index] ?? null,
    getItem: (key) => items.get(key) ?? null,
    setItem: (key, value) => void items.set(key, value),
    removeItem: (key) => void items.delete(key),
    clear: () => items.clear(),
    [Symbol.iterator]: () => items.entries(),
  };
}

/** Node's own Web Locks. `release` does what a browser does when a page is closed. */
function pageLocks() {
  const held: (() => void)[] = [];
  const locks: Locks = {
    request: (name, options, granted) =>
      navigator.locks.request(name, options, () =>
        Promise.race([granted(), new Promise<void>((resolve) => held.push(resolve))]),
      ),
  };
  return { locks, release: () => held.splice(0).forEach((free) => void free()) };
}

it('a duplicated tab starts with an empty outbox, and leaves the original its own', async () => {
  const original = tabStorage([['midturn:s', 'outbox']]);
  const first = pageLocks();
  await claimTab(original, first.locks);
  const copy = tabStorage([...original, ['settings', 'dark']]);
  const second = pageLocks();
  await claimTab(copy, second.locks);
  expect(original.getItem('midturn:s')).toBe('outbox');
  expect(copy.getItem('midturn:s')).toBeNull();
  expect(copy.getItem('settings')).toBe('dark');
  expect(copy.getItem('midturn-tab')).not.toBe(original.getItem('midturn-tab'));
  first.release();
  second.release();
});

it('a tab that reloads keeps its outbox, though its former self is only just going', async () => {
  const storage = tabStorage([['midturn:s', 'outbox']]);
  const before = pageLocks();
  await claimTab(storage, before.locks);
  const after = pageLocks();
  const claimed = claimTab(storage, after.locks);
  before.release();
  await claimed;
  expect(storage.getItem('midturn:s')).toBe('outbox');
  after.release();
});
