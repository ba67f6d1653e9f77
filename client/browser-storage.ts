import { memoryStorage, type OutboxStorage } from './storage.ts';

/** The key in `sessionStorage` under which each tab keeps its own id. */
const TAB_KEY = 'midturn-tab';
const OUTBOX_PREFIX = 'midturn:';

/** A reloaded page gets the lock as soon as its predecessor is gone. A duplicated tab never gets it, so it does not wait long. */
const CLAIM_WITHIN_MS = 500;

/** The part of `navigator.locks` that is used. */
export interface Locks {
  request(name: string, options: { signal: AbortSignal }, granted: () => Promise<unknown>): Promise<unknown>;
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
    if (kind === 'local') return globalThis.localStorage;
    const storage = globalThis.sessionStorage;
    const { locks } = globalThis.navigator;
    if (!locks) return storage;
    return ofThisTab(storage, () => {
      claim ??= claimTab(storage, locks);
      return claim;
    });
  } catch {
    return memoryStorage();
  }
}

function ofThisTab(storage: Storage, claimed: () => Promise<void>): OutboxStorage {
  return {
    getItem: async (key) => {
      await claimed();
      return storage.getItem(key);
    },
    setItem: (key, value) => storage.setItem(key, value),
    removeItem: (key) => storage.removeItem(key),
  };
}

/**
 * Makes sure that no other tab uses the content of this storage. Browsers copy `sessionStorage` into a duplicated tab: two
 * tabs would then share a lane and send each other's messages. The tab that holds the lock for the tab's id keeps the
 * content. A copy removes its outboxes and gets an id of its own.
 */
export async function claimTab(storage: Storage, locks: Locks): Promise<void> {
  const known = storage.getItem(TAB_KEY);
  if (known !== null && (await hold(locks, known, CLAIM_WITHIN_MS))) return;
  if (known !== null) forgetOutboxes(storage);
  const own = `${Date.now().toString(36)}-${Math.random().toString(36).slice(2)}`;
  storage.setItem(TAB_KEY, own);
  await hold(locks, own, CLAIM_WITHIN_MS);
}

function forgetOutboxes(storage: Storage): void {
  const keys = Array.from({ length: storage.length }, (_, index) => storage.key(index));
  for (const key of keys) if (key?.startsWith(OUTBOX_PREFIX)) storage.removeItem(key);
}

/** Holds the lock while this page is open. Resolves to false if another page has it. */
function hold(locks: Locks, tab: string, withinMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const forPageLife = new Promise<never>(() => {});
    locks
      .request(`midturn-tab:${tab}`, { signal: AbortSignal.timeout(withinMs) }, () => {
        resolve(true);
        return forPageLife;
      })
      // The lock was not granted in time, or this page may not use locks.
      .catch(() => resolve(false));
  });
}
