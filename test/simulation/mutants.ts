import { readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { AGENT } from './mutants/agent.ts';
import { DELETION } from './mutants/deletion.ts';
import { DEVICES } from './mutants/devices.ts';
import { MESSAGES } from './mutants/messages.ts';
import type { Mutant } from './mutants/mutant.ts';
import { UNSEEN } from './mutants/unseen.ts';
import { WORKER } from './mutants/worker.ts';

export { LATE_DUPLICATES } from './mutants/mutant.ts';
export { UNSEEN };

export const MUTANTS: readonly Mutant[] = [...MESSAGES, ...WORKER, ...AGENT, ...DEVICES, ...DELETION];

export interface Planted {
  /** Throws when a patch found nothing to change: then the mutant is the product itself. */
  demandApplied(): void;
}

/** Plants a mutant into all that is loaded from now on in this thread. */
export function plant(name: string): Planted {
  const mutant = [...MUTANTS, ...UNSEEN].find((one) => one.name === name);
  if (!mutant) throw new Error(`no mutant is called ${name}`);
  const missing = new Set(mutant.patches);
  registerHooks({
    load(url, context, nextLoad) {
      const loaded = nextLoad(url, context);
      const patches = mutant.patches.filter(([file]) => url.endsWith(`/${file}`));
      if (patches.length === 0) return loaded;
      let source = readFileSync(new URL(url), 'utf8');
      for (const patch of patches) {
        const [, find, replace] = patch;
        if (source.includes(find)) missing.delete(patch);
        source = source.replace(find, () => replace);
      }
      return { ...loaded, source };
    },
  });
  return {
    demandApplied() {
      for (const [file, find] of missing) throw new Error(`mutant ${name}: ${file} has no "${find}"`);
    },
  };
}
