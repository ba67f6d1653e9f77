import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { LocalCloudError } from './errors.ts';

/** Folders that this process holds: its own id in a lock says nothing, since a process before it may have had it. */
const held = new Set<string>();

/**
 * Takes a data folder for this process alone: two clouds on one would corrupt it. A lock whose process is gone, as
 * after a power cut, does not count.
 * @returns how to give it back
 * @throws {LocalCloudError} if another holds it, or it cannot be written
 */
export async function holdDataFolder(folder: string): Promise<() => Promise<void>> {
  const lock = join(folder, 'lock');
  const inUse = new LocalCloudError(`MIDTURN_DATA_DIR ${folder} is in use by another local cloud.`);
  if (held.has(folder)) throw inUse;
  held.add(folder);
  try {
    await mkdir(folder, { recursive: true });
    const owner = Number(await readFile(lock, 'utf8').catch(() => ''));
    if (owner && owner !== process.pid && isAlive(owner)) throw inUse;
    await writeFile(lock, String(process.pid));
  } catch (error) {
    held.delete(folder);
    if (error instanceof Error && 'code' in error) {
      throw new LocalCloudError(`MIDTURN_DATA_DIR ${folder} cannot be used: ${error.message}.`);
    }
    throw error;
  }
  return async () => {
    await rm(lock, { force: true });
    held.delete(folder);
  };
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Somebody else's process is alive all the same.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
