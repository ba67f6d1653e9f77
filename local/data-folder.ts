import { chmod, mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { LocalCloudError } from './errors.ts';
import { lockFolder } from './folder-lock.ts';

/**
 * Locks a data folder for this process, because two clouds would corrupt it, and closes it to other users.
 * @returns a function that unlocks it
 * @throws {LocalCloudError} if another process holds it, or it cannot be written
 */
export async function holdDataFolder(folder: string): Promise<() => Promise<void>> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await closeToOthers(folder);
    const unlock = await lockFolder(folder);
    if (unlock) return unlock;
  } catch (error) {
    if (!(error instanceof Error && 'code' in error)) throw error;
    throw new LocalCloudError(`MIDTURN_DATA_DIR ${folder} cannot be used: ${error.message}.`);
  }
  throw new LocalCloudError(`MIDTURN_DATA_DIR ${folder} is in use by another local cloud.`);
}

/** Leaves a folder and what is in it to its owner: it holds conversations. Later files have the process's own mask. */
export async function closeToOthers(folder: string): Promise<void> {
  await chmod(folder, 0o700);
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (entry.isSymbolicLink()) continue;
    await chmod(join(entry.parentPath, entry.name), entry.isDirectory() ? 0o700 : 0o600).catch(
      (error: NodeJS.ErrnoException) => {
        // A database that runs removes files at any time.
        if (error.code !== 'ENOENT') throw error;
      },
    );
  }
}
