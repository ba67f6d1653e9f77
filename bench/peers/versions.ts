import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod/mini';

const FOLDER = import.meta.dirname;
const manifest = z.looseObject({
  version: z.optional(z.string()),
  dependencies: z.optional(z.record(z.string(), z.string())),
});

const read = (file: string) => manifest.parse(JSON.parse(readFileSync(file, 'utf8')));

/** Of a package that is installed in this folder; undefined if it is not. */
export function versionOf(name: string, folder = FOLDER): string | undefined {
  const file = join(folder, 'node_modules', name, 'package.json');
  return existsSync(file) ? read(file).version : undefined;
}

/** Of the dependencies that this folder's manifest names, those that are not installed there in their exact version. */
export function lacking(folder = FOLDER): string[] {
  return Object.entries(read(join(folder, 'package.json')).dependencies ?? {})
    .filter(([name, version]) => versionOf(name, folder) !== version)
    .map(([name]) => name);
}

/** The peers are no dependency of this project: they are installed here, as the lock file has them, when they are wanted. */
export function installPeers(): void {
  if (lacking().length === 0) return;
  // Not `npm ci`: it refuses the lock file where the registry does not have optional packages of other platforms.
  const args = ['install', '--no-save', '--no-audit', '--no-fund'];
  const { status } = spawnSync('npm', args, { cwd: FOLDER, stdio: 'inherit' });
  if (status !== 0) throw new Error(`npm install in bench/peers ended with ${status}`);
}
