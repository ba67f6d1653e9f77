/** What the page uses of the browser's storage. */
export type Kept = Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>;

/** For all tabs of this browser, and for this tab. */
export const keptHere: Kept = guarded(() => globalThis.localStorage);
export const keptInTab: Kept = guarded(() => globalThis.sessionStorage);

/** What cannot be stored is kept until the page is left: the browser blocks its storage, or it is full. */
export function guarded(open: () => Kept): Kept {
  const memory = new Map<string, string>();
  function attempt<T>(use: (storage: Kept) => T, otherwise: () => T): T {
    try {
      return use(open());
    } catch {
      // https://html.spec.whatwg.org/multipage/webstorage.html: SecurityError, QuotaExceededError.
      return otherwise();
    }
  }
  return {
    getItem: (key) =>
      memory.get(key) ??
      attempt(
        (storage) => storage.getItem(key),
        () => null,
      ),
    setItem(key, value) {
      memory.delete(key);
      attempt(
        (storage) => storage.setItem(key, value),
        () => {
          memory.set(key, value);
        },
      );
    },
    removeItem(key) {
      memory.delete(key);
      attempt(
        (storage) => storage.removeItem(key),
        () => {},
      );
    },
  };
}
