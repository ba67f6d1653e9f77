import { randomUUID } from 'node:crypto';
import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * Folders that this process holds. Its own process id in a lock file is no proof: an earlier process may have had the
 * same id.
 */
const held = new Set<string>();

/**
 * Locks a folder for this process, and creates it if it does not exist. A lock whose process is gone (after a power cut,
 * for example) does not count.
 * @returns a function that unlocks it; undefined if another cloud holds it
 * @throws the file system's error if it cannot be written
 */
export async function lockFolder(folder: string): Promise<(() => Promise<void>) | undefined> {
  if (held.has(folder)) return undefined;
  held.add(folder);
  const lock = join(folder, 'lock');
  try {
    await mkdir(folder, { recursive: true });
    if (!(await take(lock))) {
      held.delete(folder);
      return undefined;
    }
  } catch (error) {
    held.delete(folder);
    throw error;
  }
  return async () => {
    await rm(lock, { force: true });
    held.delete(folder);
  };
}

async function take(lock: string): Promise<boolean> {
  const mine = `${lock}.${randomUUID()}`;
  await writeFile(mine, String(process.pid));
  try {
    if (await linked(mine, lock)) return true;
    const owner = Number(await readFile(lock, 'utf8').catch(() => ''));
    if (owner && owner !== process.pid && isAlive(owner)) return false;
    await rm(lock, { force: true });
    return await linked(mine, lock);
  } finally {
    await rm(mine, { force: true });
  }
}

/** Creates the lock with its content in one step. False if it exists. */
async function linked(file: string, lock: string): Promise<boolean> {
  try {
    await link(file, lock);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  }
}

/** Whether a process with this id runs on this machine. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: another user's process, which is alive.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
