import type { Dirent } from 'node:fs';
import { readdir, realpath, rm } from 'node:fs/promises';
import { isAbsolute, relative, sep } from 'node:path';
import { SettingError } from '../config/settings/setting.ts';

/**
 * Removes what an earlier synthesis wrote, so that no template of it is taken for one of the next. Only a folder that the CDK wrote,
 * or an empty one, is removed.
 *
 * @param output absolute path. It need not exist
 * @param project the folder of the app
 * @throws SettingError for any other folder or file. Nothing of it is removed
 */
export async function removeOutput(output: string, project: string): Promise<void> {
  const entries = await entriesOf(output);
  if (!entries) return;
  if (await contains(output, project))
    throw new SettingError(
      `--output ${output} contains the project: give a folder of its own, such as cdk.out.`,
    );
  if (!isFromCdk(entries))
    throw new SettingError(
      `--output ${output} has files that the CDK did not write: give another folder, or remove it yourself.`,
    );
  await rm(output, { recursive: true, force: true });
}

/** @returns nothing if there is no such folder */
async function entriesOf(folder: string): Promise<Dirent[] | undefined> {
  try {
    return await readdir(folder, { withFileTypes: true });
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT') return undefined;
    if (code === 'ENOTDIR') throw new SettingError(`--output ${folder} is no folder: give the path of one.`);
    throw error;
  }
}

/** The same folder, or one above it, by whatever links. */
async function contains(folder: string, inner: string): Promise<boolean> {
  const way = relative(await realpath(folder), await realpath(inner));
  return way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}

/**
 * Each cloud assembly has a file `cdk.out` with its version, which is written last. An app that failed before that leaves assets alone.
 * `manifest.json` by itself says nothing: web apps have one as well.
 */
function isFromCdk(entries: readonly Dirent[]): boolean {
  return (
    entries.some((entry) => entry.name === 'cdk.out' && entry.isFile()) ||
    entries.every(({ name }) => name.startsWith('asset.'))
  );
}
