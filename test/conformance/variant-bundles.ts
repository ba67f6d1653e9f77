import { cp, rm, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { type BuildOptions, buildFunctions, project } from '../../local/build.ts';
import { applyEdits, type Edit } from '../mutation/edits.ts';

const root = join(import.meta.dirname, '../..');

/** What the functions are built from. */
const SOURCES = ['package.json', 'protocol', 'config', 'core', 'model', 'aws', 'lambdas', 'agent'];

/** How a copy of the source differs from this project. */
export interface SourceChanges {
  edits?: readonly Edit[];
  /** Whole files, by their paths. They replace what is there. */
  files?: Readonly<Record<string, string>>;
}

/**
 * Bundles the functions from a changed copy of their source into `<folder>/bundles`. The folder must be below the project's
 * root, so that the copy finds the same packages.
 */
export async function buildVariant(
  { edits = [], files = {} }: SourceChanges,
  folder: string,
): Promise<string> {
  await rm(folder, { recursive: true, force: true, maxRetries: 10 });
  for (const source of SOURCES) await cp(join(root, source), join(folder, source), { recursive: true });
  for (const [file, text] of applyEdits(edits)) await writeFile(join(folder, file), text);
  for (const [file, text] of Object.entries(files)) await writeFile(join(folder, file), text);
  const options = variantIn(folder);
  await buildFunctions(options);
  return options.outdir;
}

/** How the functions of a copy are bundled. */
export const variantIn = (folder: string): BuildOptions => ({
  groups: project().groups.map((handlers) =>
    Object.fromEntries(
      Object.entries(handlers).map(([fn, path]) => [fn, join(folder, relative(root, path))]),
    ),
  ),
  outdir: join(folder, 'bundles'),
});
