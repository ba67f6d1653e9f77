import { join } from 'node:path';
import { buildFunctions, project } from './build.ts';
import { lockFolder } from './folder-lock.ts';
import { CACHE } from './places.ts';

const FOLDER = join(CACHE, 'local');

/**
 * A folder for the functions' bundles that no other build writes to until it is released: a local cloud loads chunks as
 * long as it runs.
 */
export interface OwnBundles {
  folder: string;
  build(): Promise<void>;
  release(): Promise<void>;
}

/**
 * Takes the first of the numbered folders that no other cloud holds. Most start in the same one, whose unchanged files and
 * compiled code are used again.
 */
export async function holdOwnBundles(): Promise<OwnBundles> {
  for (let number = 1; ; number++) {
    const folder = join(FOLDER, String(number));
    const release = await lockFolder(folder);
    if (!release) continue;
    const build = () => buildFunctions({ ...project(), outdir: folder, clean: true });
    return { folder, build, release };
  }
}
