import { mkdir, readdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { buildFunctions } from '../local/build.ts';
import { isAlive } from '../local/folder-lock.ts';
import { testBuild } from './support/bundles.ts';

/** npm has Node keep its compiled modules here. */
const NODE_CACHE = 'node-compile-cache';

/**
 * Once for the whole test run. Before: builds the functions that every local cloud starts, and makes the run's temporary folder.
 * After: fails the run if a test left something in that folder.
 */
export default async function setup({ config }: TestProject): Promise<() => Promise<void>> {
  // Workers and the programs that they start get it as TMPDIR (vitest.config.ts).
  const { TMPDIR: folder } = config.env;
  if (!folder) throw new Error('vitest.config.ts names no TMPDIR for tests');
  await removeAbandoned(folder);
  await mkdir(folder, { recursive: true });
  await buildFunctions(testBuild());
  return async () => {
    const left = (await readdir(folder)).filter((name) => name !== NODE_CACHE);
    await rm(folder, { recursive: true, force: true, maxRetries: 10 });
    if (left.length === 0) return;
    throw new Error(
      `Tests left ${left.length} temporary files or folders behind: ${left.join(', ')}. Make them with temporaryFolder() of test/support/temporary-folder.ts.`,
    );
  };
}

/** Removes the folders of runs that were killed, and could not remove them. Each is named after its process. */
async function removeAbandoned(folder: string): Promise<void> {
  const parent = dirname(folder);
  for (const name of await readdir(parent)) {
    const pid = /^midturn-tests-(\d+)$/.exec(name)?.[1];
    if (pid && !isAlive(Number(pid)))
      await rm(join(parent, name), { recursive: true, force: true, maxRetries: 10 });
  }
}
