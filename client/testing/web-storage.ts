const METHODS: Storage = {
  get length() {
    return Object.keys(this).length;
  },
  key(at) {
    return Object.keys(this)[at] ?? null;
  },
  getItem(key) {
    return Object.hasOwn(this, key) ? Reflect.get(this, key) : null;
  },
  setItem(key, value) {
    Reflect.set(this, key, String(value));
  },
  removeItem(key) {
    Reflect.deleteProperty(this, key);
  },
  clear() {
    for (const key of Object.keys(this)) this.removeItem(key);
  },
};

/** A browser's storage with these items. As there, the keys of the object are those of the items. */
export const webStorage = (items: Readonly<Record<string, string>> = {}): Storage =>
  Object.assign(Object.create(METHODS), items);
