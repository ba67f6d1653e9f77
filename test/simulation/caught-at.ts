import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const FILE = join(import.meta.dirname, 'caught-at.json');

const seeds = JSON.parse(readFileSync(FILE, 'utf8')) as Record<string, number>;

/**
 * The seed at which a mutant was caught last (`npm run sim:mutants -- --note`). The search begins there. After a change to the
 * product or to the simulation that seed is like any other, and the search goes on.
 */
export const caughtAt = (mutant: string): number => seeds[mutant] ?? 1;

/** Notes seeds. The seeds of mutants that were not run stay as they are. */
export function noteCaught(caught: Readonly<Record<string, number>>): void {
  writeFileSync(FILE, `${JSON.stringify({ ...seeds, ...caught }, null, 2)}\n`);
}
