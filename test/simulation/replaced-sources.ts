import { registerHooks } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const ROOT = join(import.meta.dirname, '../..');

export interface ReplacedSources {
  /** Throws if one of the sources was not loaded: then the product ran as it is. */
  demandLoaded(): void;
}

/**
 * Replaces source files, by their paths below the project's root, in all that this process loads from now on.
 */
export function replaceSources(sources: ReadonlyMap<string, string>): ReplacedSources {
  const byUrl = new Map([...sources].map(([file, text]) => [pathToFileURL(join(ROOT, file)).href, text]));
  const missing = new Set(byUrl.keys());
  registerHooks({
    load(url, context, nextLoad) {
      const loaded = nextLoad(url, context);
      const source = byUrl.get(url);
      if (source === undefined) return loaded;
      missing.delete(url);
      return { ...loaded, source };
    },
  });
  return {
    demandLoaded() {
      for (const url of missing) throw new Error(`${url} was not loaded`);
    },
  };
}
