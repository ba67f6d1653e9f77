import { build, type Metafile } from 'esbuild';
import { ROOT } from './places.ts';

/**
 * Reads modules of this project and all modules of it that they import, directly or not. Nothing is written.
 *
 * @param entryPoints paths from the project's folder
 * @returns `inputs`: the modules by their paths, and what each imports; packages are marked as external
 * @throws esbuild's error for a module that is not there or cannot be read
 */
export async function moduleGraph(entryPoints: readonly string[]): Promise<Metafile> {
  const { metafile } = await build({
    absWorkingDir: ROOT,
    entryPoints: [...entryPoints],
    // Where there are several, esbuild needs a name.
    outdir: 'out',
    bundle: true,
    packages: 'external',
    // The app imports the construct as any other app does.
    alias: { 'midturn/cdk': './infra/index.ts' },
    platform: 'node',
    format: 'esm',
    metafile: true,
    write: false,
    logLevel: 'silent',
  });
  return metafile;
}
