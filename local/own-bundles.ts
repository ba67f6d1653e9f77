import { createHash } from 'node:crypto';
import { cp, readFile } from 'node:fs/promises';
import { join, resolve, sep } from 'node:path';
import { BUNDLES, buildFunctions, project } from './build.ts';
import { lockFolder } from './folder-lock.ts';
import { CACHE, EXTENSION, OWN_AGENT, ROOT } from './places.ts';

const FOLDER = join(CACHE, 'local');

/**
 * A folder for the functions' bundles that no other build writes to until it is released: a local cloud loads chunks as
 * long as it runs.
 */
export interface OwnBundles {
  folder: string;
  build(): Promise<void>;
  /**
   * Bundles the turn function again, with the agent as it is now. What it has replaced stays: running environments may load it.
   * @returns whether the function has changed
   */
  rebuild(): Promise<boolean>;
  /** Absolute paths of the modules of the agent, as the last build has read them. */
  sources(): readonly string[];
  release(): Promise<void>;
}

/**
 * Takes the first of the numbered folders that no other cloud holds. Most start in the same one, whose unchanged files and
 * compiled code are used again.
 * @param agent the module that the turn function takes its agent from
 */
export async function holdOwnBundles(agent: string = OWN_AGENT): Promise<OwnBundles> {
  for (let number = 1; ; number++) {
    const folder = join(FOLDER, String(number));
    const release = await lockFolder(folder);
    if (release) return ownBundles(folder, agent, release);
  }
}

function ownBundles(folder: string, agent: string, release: () => Promise<void>): OwnBundles {
  let sources: string[] = [];
  const [turn = {}, light = {}] = project().groups;

  async function buildTurn(clean: boolean): Promise<void> {
    const [metafile] = await buildFunctions({
      agent,
      groups: [turn],
      outdir: folder,
      clean,
      logLevel: 'silent',
    });
    sources = Object.keys(metafile?.inputs ?? {})
      .map((path) => resolve(ROOT, path))
      .filter((path) => !path.includes(`${sep}node_modules${sep}`));
  }

  /** The package has them as they are deployed. */
  async function placeOthers(): Promise<void> {
    if (EXTENSION === '.ts') await buildFunctions({ groups: [light], outdir: folder, clean: true });
    else
      for (const name of Object.keys(light))
        await cp(join(BUNDLES, name), join(folder, name), { recursive: true });
  }

  const digest = async () =>
    createHash('sha256')
      .update(await readFile(join(folder, 'turn', 'index.mjs')))
      .digest('hex');

  return {
    folder,
    async build() {
      await Promise.all([buildTurn(true), placeOthers()]);
    },
    async rebuild() {
      const before = await digest();
      await buildTurn(false);
      return (await digest()) !== before;
    },
    sources: () => sources,
    release,
  };
}
