import type { HistoryOptions } from './history.ts';
import { runHistory } from './history.ts';

/** Finds a history with fewer devices and acts that breaks the same promise. */
export async function shrink(seed: number): Promise<HistoryOptions> {
  const broken = await brokenBy(seed, {});
  if (broken.size === 0) return {};
  let best: HistoryOptions = {};
  for (const devices of [1, 2, 3]) {
    for (const acts of [1, 2, 3, 4, 5, 6]) {
      const options = { devices, acts };
      const found = await brokenBy(seed, options);
      if ([...found].some((promise) => broken.has(promise))) {
        best = options;
        return best;
      }
    }
  }
  return best;
}

async function brokenBy(seed: number, options: HistoryOptions): Promise<Set<string>> {
  return new Set((await runHistory(seed, options)).violations.keys());
}
