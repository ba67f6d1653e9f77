import { memoryStorage, type OutboxStorage } from './storage.ts';

/** The key in `sessionStorage` under which each tab keeps its own id. */
const TAB_KEY = 'midturn-tab';
const OUTBOX_PREFIX = 'midturn:';

/** The part of `navigator.locks` that is used. */
export interface Locks {
  request(
    name: string,
    options: { ifAvailable: true },
    granted: (lock: unknown) => unknown,
  ): Promise<unknown>;
}

let claim: Promise<void> | undefined;

/**
 * Storage for the outbox in a browser. `session` belongs to one tab and survives a reload; a duplicated tab starts with an
 * empty one. `local` survives the browser; use it only where one page at a time is open. Where the browser forbids storage,
 * the outbox is kept in memory.
 */
export function browserStorage(kind: 'session' | 'local' = 'session'): OutboxStorage {
  try {
    // The getter throws where storage is blocked.
    const storage = globalThis[`${kind}Storage`];
    const { locks } = navigator;
    if (kind === 'local' || !locks) return storage;
    return {
      getItem: async (key) => {
        claim ??= claimTab(storage, locks);
        await claim;
        return storage.getItem(key);
      },
      setItem: (key, value) => storage.setItem(key, value),
      removeItem: (key) => storage.removeItem(key),
    };
  } catch {
    return memoryStorage();
  }
}

/**
 * Makes sure that no other tab uses the content of this storage. Browsers copy `sessionStorage` into a duplicated tab: two
 * tabs would then share a lane and send each other's messages. The tab that holds the lock for the tab's id keeps the
 * content. A copy removes its outboxes and gets an id of its own. A page that goes leaves an id that nobody holds to the next
 * one of its tab, which then need not wait until the browser has released a lock.
 */
export async function claimTab(storage: Storage, locks: Locks): Promise<void> {
  let tab = storage.getItem(TAB_KEY);
  if (!tab || !(await hold(locks, tab))) {
    if (tab) forgetOutboxes(storage);
    tab = crypto.randomUUID();
    storage.setItem(TAB_KEY, tab);
    await hold(locks, tab);
  }
  const held = tab;
  globalThis.addEventListener?.('pagehide', () => storage.setItem(TAB_KEY, crypto.randomUUID()));
  // The browser had only put the page aside.
  globalThis.addEventListener?.('pageshow', () => storage.setItem(TAB_KEY, held));
}

function forgetOutboxes(storage: Storage): void {
  for (const key of Object.keys(storage)) if (key.startsWith(OUTBOX_PREFIX)) storage.removeItem(key);
}

/** Holds the lock while this page is open. Resolves to false if another page has it, or this one may not use locks. */
function hold(locks: Locks, tab: string): Promise<boolean> {
  return new Promise((resolve) => {
    const forPageLife = new Promise<never>(() => {});
    locks
      .request(`midturn-tab:${tab}`, { ifAvailable: true }, (lock) => {
        resolve(!!lock);
        return lock && forPageLife;
      })
      .catch(() => resolve(false));
  });
}
