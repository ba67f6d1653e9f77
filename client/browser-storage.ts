import { memoryStorage, type OutboxStorage } from './storage.ts';

/**
 * The outbox in the browser. `session` belongs to one tab and outlives its reload; `local` outlives the browser, and is
 * for pages of which only one is open. Where the browser forbids storage, memory.
 */
export function browserStorage(kind: 'session' | 'local' = 'session'): OutboxStorage {
  try {
    // Reading the property throws where storage is blocked.
    return kind === 'local' ? globalThis.localStorage : globalThis.sessionStorage;
  } catch {
    return memoryStorage();
  }
}
