/** Texts of ASCII by key that never change, up to a limit of bytes in all: those that were used least recently go first. */
export interface TextCache {
  /** Two who ask at the same time read once. What is not there, or fails, is asked for again. */
  get(key: string, read: () => Promise<string | undefined>): Promise<string | undefined>;
}

export function createTextCache(limit: number): TextCache {
  const kept = new Map<string, string>();
  const reading = new Map<string, Promise<string | undefined>>();
  let size = 0;
  const keep = (key: string, text: string) => {
    if (text.length > limit) return;
    kept.set(key, text);
    size += text.length;
    for (const [oldest, { length }] of kept) {
      if (size <= limit) return;
      kept.delete(oldest);
      size -= length;
    }
  };
  return {
    async get(key, read) {
      const known = kept.get(key);
      if (known !== undefined) {
        // Used last: it goes last.
        kept.delete(key);
        kept.set(key, known);
        return known;
      }
      const under = reading.get(key);
      if (under) return under;
      const started = read();
      reading.set(key, started);
      try {
        const text = await started;
        if (text !== undefined) keep(key, text);
        return text;
      } finally {
        reading.delete(key);
      }
    },
  };
}
