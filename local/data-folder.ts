import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { LocalCloudError } from './errors.ts';

/**
 * Folders that this process holds. Its own process id in a lock file is no proof: an earlier process may have had the
 * same id.
 */
const held = new Set<string>();

/**
 * Locks a data folder for this process, because two clouds would corrupt it. A lock whose process is gone (after a
 * power cut, for example) does not count.
 * @returns a function that unlocks it
 * @throws {LocalCloudError} if another process holds it, or it cannot be written
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
    // EPERM: another user's process, which is alive.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
