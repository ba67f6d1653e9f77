/**
 * Storage for the outbox. `localStorage`, `sessionStorage` and React Native's `AsyncStorage` have this shape. One storage
 * serves one client at a time: two tabs with a common storage would send each other's messages.
 */
export interface OutboxStorage {
  getItem(key: string): string | null | Promise<string | null>;
  setItem(key: string, value: string): void | Promise<void>;
  removeItem(key: string): void | Promise<void>;
}

/** Storage that survives a reconnect, but not a reload. */
export function memoryStorage(): OutboxStorage {
  const items = new Map<string, string>();
  return {
    getItem: (key) => items.get(key) ?? null,
    setItem: (key, value) => void items.set(key, value),
    removeItem: (key) => void items.delete(key),
  };
}
