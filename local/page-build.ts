import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { LocalCloudError } from './errors.ts';

const ROOT = join(import.meta.dirname, '..');
const WEB = join(ROOT, 'web');
/** The sources of the page: itself, the client library, and the versions of their packages. */
const SOURCES = [WEB, join(ROOT, 'client'), join(ROOT, 'package-lock.json')];
const NOT_SOURCES = new Set(['dist', 'node_modules']);

/** The folder of the built page. */
export const PAGE_FOLDER = join(WEB, 'dist');

/**
 * Builds the page if there is none, or if it is older than its sources. Returns whether it was built. Checking a
 * hundred files takes a few milliseconds.
 * @throws {LocalCloudError} with the bundler's output if the build fails
 */
export async function buildPage(): Promise<boolean> {
  if (await isNewer(join(PAGE_FOLDER, 'index.html'), SOURCES)) return false;
  // Built into a new folder that then replaces the old one. A running server is without a page only for an instant,
  // and two
  // concurrent builds do not delete each other's files.
  const draft = join(ROOT, 'dist', `page-${process.pid}-${Date.now()}`);
  await mkdir(join(ROOT, 'dist'), { recursive: true });
  try {
    await bundle(draft);
    await replace(PAGE_FOLDER, draft);
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
  return true;
}

/** Whether the file exists, and is newer than all sources, folders included. */
export async function isNewer(file: string, sources: readonly string[]): Promise<boolean> {
  const [builtAt, changedAt] = await Promise.all([modifiedAt(file), newest(sources)]);
  return builtAt > changedAt;
}

/** Builds in another process, which frees the bundler's memory and lets the cloud start on the other core. */
async function bundle(outDir: string): Promise<void> {
  const vite = join(createRequire(import.meta.url).resolve('vite/package.json'), '..', 'bin', 'vite.js');
  const child = spawn(process.execPath, [vite, 'build', WEB, '--outDir', outDir, '--logLevel', 'warn'], {
    stdio: ['ignore', 'pipe', 'pipe'],
    // The environment may set another value, which would build React's development version, several times slower.
    env: { ...process.env, NODE_ENV: 'production' },
  });
  const end = () => child.kill();
  process.once('exit', end);
  const output = Promise.all([text(child.stdout), text(child.stderr)]);
  const [code] = await once(child, 'close');
  process.off('exit', end);
  if (code !== 0) throw new LocalCloudError(`The page cannot be built:\n${(await output).join('').trim()}`);
}

async function replace(folder: string, draft: string): Promise<void> {
  const old = `${draft}-old`;
  await rename(folder, old).catch(unlessMissing);
  try {
    await rename(draft, folder);
  } catch (error) {
    // A concurrent build of the same sources was faster.
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOTEMPTY')) throw error;
  }
  await rm(old, { recursive: true, force: true });
}

function unlessMissing(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error;
}

/** Milliseconds since the epoch. 0 if the file does not exist. */
async function modifiedAt(path: string): Promise<number> {
  return stat(path).then(
    ({ mtimeMs }) => mtimeMs,
    (error) => {
      unlessMissing(error);
      return 0;
    },
  );
}

/** The latest change of these files, and of the files in these folders. */
async function newest(paths: readonly string[]): Promise<number> {
  const times = await Promise.all(
    paths.map(async (path) => {
      const at = await stat(path);
      if (!at.isDirectory()) return at.mtimeMs;
      const names = (await readdir(path)).filter((name) => !NOT_SOURCES.has(name));
      return newest(names.map((name) => join(path, name)));
    }),
  );
  return Math.max(0, ...times);
}
