import { memoryStorage, type OutboxStorage } from './storage.ts';

/** Under it, in its `sessionStorage`, each tab keeps its own id. */
const TAB_KEY = 'midturn-tab';
const OUTBOX_PREFIX = 'midturn:';

/** A page that reloads gets the lock of its former self as soon as that is gone; a copy waits in vain, and not for long. */
const CLAIM_WITHIN_MS = 500;

/** As much of `navigator.locks` as is used. */
export interface Locks {
  request(name: string, options: { signal: AbortSignal }, granted: () => Promise<unknown>): Promise<unknown>;
}

let claim: Promise<void> | undefined;

/**
 * The outbox in the browser. `session` belongs to one tab and outlives its reload; a duplicated tab, which starts with a
 * copy of it, finds it empty. `local` outlives the browser, and is for pages of which only one is open. Where the browser
 * forbids storage, memory.
 */
export function browserStorage(kind: 'session' | 'local' = 'session'): OutboxStorage {
  try {
    // Reading the property throws where storage is blocked.
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
 * Makes sure that no other tab uses what is in this storage. Browsers copy `sessionStorage` into a duplicated tab: two
 * tabs would then share a lane, and send each other's messages. The first to hold the lock that the tab's id names keeps
 * everything; a copy forgets its outboxes and takes an id of its own.
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

/** Holds the lock for as long as this page lives. False: another page has it. */
function hold(locks: Locks, tab: string, withinMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const forPageLife = new Promise<never>(() => {});
    locks
      .request(`midturn-tab:${tab}`, { signal: AbortSignal.timeout(withinMs) }, () => {
        resolve(true);
        return forPageLife;
      })
      // Not granted in time, or locks are forbidden here.
      .catch(() => resolve(false));
  });
}
