import { cp, readFile, rm, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { buildFunctions, project } from '../../local/build.ts';
import type { Variant } from './variants.ts';

const root = join(import.meta.dirname, '../..');

/** What the functions are built from. */
const SOURCES = ['package.json', 'protocol', 'config', 'core', 'model', 'aws', 'lambdas', 'agent'];

/**
 * Bundles the functions from a copy of their source that has the variant's fault, or further files, into `<folder>/bundles`. Below the
 * project's own root, so that the copy finds the same packages.
 */
export async function buildVariant(
  {
    name,
    patches,
    files = {},
  }: Pick<Variant, 'name' | 'patches'> & { files?: Readonly<Record<string, string>> },
  folder: string,
): Promise<string> {
  await rm(folder, { recursive: true, force: true });
  for (const source of SOURCES) await cp(join(root, source), join(folder, source), { recursive: true });
  for (const [file, find, replace] of patches) {
    const path = join(folder, file);
    const text = await readFile(path, 'utf8');
    // Else the variant would be the product itself.
    if (!text.includes(find)) throw new Error(`variant ${name}: ${file} has no "${find}"`);
    await writeFile(
      path,
      text.replace(find, () => replace),
    );
  }
  for (const [file, text] of Object.entries(files)) await writeFile(join(folder, file), text);
  const outdir = join(folder, 'bundles');
  const groups = project().groups.map((handlers) =>
    Object.fromEntries(
      Object.entries(handlers).map(([fn, path]) => [fn, join(folder, relative(root, path))]),
    ),
  );
  await buildFunctions({ groups, outdir });
  return outdir;
}
