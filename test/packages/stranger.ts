import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readdir, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

const ROOT = join(import.meta.dirname, '..', '..');

interface Ended {
  code: number;
  stdout: string;
  stderr: string;
}

/** A project of somebody who has never seen this repository, with the packed packages in it. */
export interface Stranger {
  folder: string;
  /** Writes a file, with the folders that it needs. */
  write(path: string, text: string): Promise<void>;
  /** Runs a module of a package, or of the project, with this Node. */
  node(args: readonly string[], env?: Readonly<Record<string, string>>): Promise<Ended>;
  /** Runs a binary of `node_modules/.bin`. */
  bin(name: string, ...args: string[]): Promise<Ended>;
}

/**
 * Unpacks tarballs as npm does. All other packages are those of this repository, so that no registry is asked.
 * @param folder an empty one
 */
export async function installTarballs(folder: string, tarballs: readonly string[]): Promise<Stranger> {
  const modules = join(folder, 'node_modules');
  await mkdir(modules, { recursive: true });
  for (const name of await readdir(join(ROOT, 'node_modules'))) {
    if (!['.cache', '.package-lock.json', '.vite'].includes(name))
      await symlink(join(ROOT, 'node_modules', name), join(modules, name));
  }
  for (const tarball of tarballs) {
    const name = /([a-z-]+)-\d[^/]*\.tgz$/.exec(tarball)?.[1] ?? '';
    await mkdir(join(modules, name));
    await promisify(execFile)('tar', ['-xzf', tarball, '--strip-components=1', '-C', join(modules, name)]);
  }
  const node: Stranger['node'] = (args, env = {}) => {
    // Nothing of the test run: a stranger has neither its Node options nor its settings.
    const own = Object.entries(process.env).filter(([name]) => !/^(MIDTURN_|VITEST|NODE_|npm_)/.test(name));
    const options = { cwd: folder, env: { ...Object.fromEntries(own), ...env }, maxBuffer: 2 ** 26 };
    return promisify(execFile)(process.execPath, [...args], options).then(
      (output) => ({ code: 0, ...output }),
      (failure) => failure,
    );
  };
  return {
    folder,
    async write(path, text) {
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await writeFile(join(folder, path), text);
    },
    node,
    bin: (name, ...args) => node([binary(modules, name), ...args]),
  };
}

function binary(modules: string, name: string): string {
  if (name === 'midturn') return join(modules, 'midturn', 'cli', 'main.js');
  const path = join(modules, '.bin', name);
  if (!existsSync(path)) throw new Error(`There is no ${path}.`);
  return path;
}
