import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { claimTab, type Locks } from './browser-storage.ts';
import { webStorage } from './testing/web-storage.ts';

/**
 * A page of a tab. Its locks are Node's own Web Locks, and are released late: a browser does it when the page is gone, which it is
 * after the next page of the tab has begun. `end` releases them.
 */
function givenPage() {
  const listeners: [name: string, listener: () => void][] = [];
  const held: (() => void)[] = [];
  const requests: Promise<unknown>[] = [];
  const locks: Locks = {
    request(name, options, granted) {
      const request = navigator.locks.request(name, options, (lock) => {
        const result = granted(lock);
        if (!lock) return result;
        return Promise.race([result, new Promise<void>((resolve) => held.push(resolve))]);
      });
      requests.push(request);
      return request;
    },
  };
  const end = async () => {
    for (const free of held.splice(0)) free();
    await Promise.all(requests);
  };
  ended.push(end);
  return {
    claim: async (storage: Storage, { hasEvents = true } = {}) => {
      const listen = (...listening: [string, () => void]) => listeners.push(listening);
      if (hasEvents) vi.stubGlobal('addEventListener', listen);
      await claimTab(storage, locks);
    },
    tell: (event: 'pagehide' | 'pageshow') => {
      for (const [name, listener] of listeners) if (name === event) listener();
    },
    end,
  };
}
const ended: (() => Promise<void>)[] = [];
let storage: Storage;
beforeEach(() => {
  storage = webStorage({ 'midturn:s': 'outbox' });
});
afterEach(async () => {
  for (const end of ended.splice(0)) await end();
  vi.unstubAllGlobals();
});
const copyOf = (original: Storage) => webStorage({ ...original });

it('a duplicated tab starts with an empty outbox, and leaves the original its own', async () => {
  await givenPage().claim(storage);
  storage.setItem('settings', 'dark');
  const copy = copyOf(storage);
  await givenPage().claim(copy);
  expect(storage.getItem('midturn:s')).toBe('outbox');
  expect(copy.getItem('midturn:s')).toBeNull();
  expect(copy.getItem('settings')).toBe('dark');
  expect(copy.getItem('midturn-tab')).not.toBe(storage.getItem('midturn-tab'));
  // A copy of the copy is one as well.
  copy.setItem('midturn:s', 'of the copy');
  const third = copyOf(copy);
  await givenPage().claim(third);
  expect([copy.getItem('midturn:s'), third.getItem('midturn:s')]).toEqual(['of the copy', null]);
});

it('a tab that reloads keeps its outbox, however late the browser releases the lock of its former page', async () => {
  const before = givenPage();
  await before.claim(storage);
  before.tell('pagehide');
  await givenPage().claim(storage);
  expect(storage.getItem('midturn:s')).toBe('outbox');
  await before.end();
  // The new page is the tab now.
  const copy = copyOf(storage);
  await givenPage().claim(copy);
  expect([storage.getItem('midturn:s'), copy.getItem('midturn:s')]).toEqual(['outbox', null]);
});

it('a page that died without a word leaves its outbox to the next one of its tab', async () => {
  const before = givenPage();
  await before.claim(storage);
  await before.end();
  await givenPage().claim(storage);
  expect(storage.getItem('midturn:s')).toBe('outbox');
});

it('a page that the browser shows again, as it was left, is not shared with a copy', async () => {
  const page = givenPage();
  await page.claim(storage);
  page.tell('pageshow');
  page.tell('pagehide');
  page.tell('pageshow');
  const copy = copyOf(storage);
  await givenPage().claim(copy);
  expect([storage.getItem('midturn:s'), copy.getItem('midturn:s')]).toEqual(['outbox', null]);
});

// Node 25 has both (nodejs.org/api/globals.html: sessionStorage, navigator.locks).
it('a host with storage and locks that tells of no page has its outbox', async () => {
  await givenPage().claim(storage, { hasEvents: false });
  expect(storage.getItem('midturn:s')).toBe('outbox');
  expect(storage.getItem('midturn-tab')).not.toBeNull();
});
