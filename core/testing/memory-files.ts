import type { Files } from '../ports.ts';

/** A bucket in memory. */
export function memoryFiles(): Files & { objects: Map<string, { bytes: Uint8Array; type: string }> } {
  const objects = new Map<string, { bytes: Uint8Array; type: string }>();
  return {
    objects,
    uploadAddress: async (key) => ({ url: `https://bucket.test/${key}`, headers: {} }),
    downloadAddress: async (key) => `https://bucket.test/${key}`,
    async begin(key, count) {
      const found = objects.get(key);
      return found && { bytes: found.bytes.slice(0, count), size: found.bytes.length };
    },
    async read(key) {
      const found = objects.get(key);
      return found && Buffer.from(found.bytes).toString('base64');
    },
    async put(key, bytes, type) {
      if (objects.has(key)) return false;
      objects.set(key, { bytes, type });
      return true;
    },
    async copy(from, to) {
      const found = objects.get(from);
      if (found) objects.set(to, found);
      return found !== undefined;
    },
    async delete(key) {
      objects.delete(key);
    },
  };
}
