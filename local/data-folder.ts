import { LocalCloudError } from './errors.ts';
import { lockFolder } from './folder-lock.ts';

/**
 * Locks a data folder for this process, because two clouds would corrupt it.
 * @returns a function that unlocks it
 * @throws {LocalCloudError} if another process holds it, or it cannot be written
 */
export async function holdDataFolder(folder: string): Promise<() => Promise<void>> {
  try {
    const unlock = await lockFolder(folder);
    if (unlock) return unlock;
  } catch (error) {
    if (!(error instanceof Error && 'code' in error)) throw error;
    throw new LocalCloudError(`MIDTURN_DATA_DIR ${folder} cannot be used: ${error.message}.`);
  }
  throw new LocalCloudError(`MIDTURN_DATA_DIR ${folder} is in use by another local cloud.`);
}
