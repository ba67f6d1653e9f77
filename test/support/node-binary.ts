import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

const FOLDER = join(import.meta.dirname, '..', 'packages', 'versions');

/** Whether `nodeBinary` has something for this machine. */
export const hasOtherNodes = process.platform === 'linux' && ['x64', 'arm64'].includes(process.arch);

/**
 * The Node of another version, of the npm registry. It is installed where it is first asked for, from npm's cache or the registry: `npm ci` of
 * the project does without it, since only tests of the packages use it.
 * @param major 22 is the oldest release that the packages run on, 20 one on which they say that they do not
 * @returns the path of the program
 * @throws {Error} with what npm says, if neither the cache nor the registry has it
 */
export async function nodeBinary(major: 20 | 22): Promise<string> {
  const path = join(
    FOLDER,
    'node_modules',
    `node-${major}-${process.platform}-${process.arch}`,
    'bin',
    'node',
  );
  if (!existsSync(path)) {
    const args = ['ci', '--prefer-offline', '--no-audit', '--no-fund', '--prefix', FOLDER];
    await promisify(execFile)('npm', args, { cwd: FOLDER });
  }
  // npm does not fail where it leaves out a package that is optional.
  if (!existsSync(path))
    throw new Error(`npm has not installed ${path}: it needs its registry, or its cache.`);
  return path;
}
