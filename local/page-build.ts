import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { LocalCloudError } from './errors.ts';

const ROOT = join(import.meta.dirname, '..');
const WEB = join(ROOT, 'web');
/** All that goes into the page: itself, the client library, and the versions of what they import. */
const SOURCES = [WEB, join(ROOT, 'client'), join(ROOT, 'package-lock.json')];
const NOT_SOURCES = new Set(['dist', 'node_modules']);

/** Where the built page is. */
export const PAGE = join(WEB, 'dist');

/**
 * Builds the page if there is none, or an older one than its sources; says whether it did. A fresh one costs a look at
 * a hundred files, a few milliseconds.
 * @throws {LocalCloudError} with the bundler's own words when it fails.
 */
export async function buildPage(): Promise<boolean> {
  if (await isNewer(join(PAGE, 'index.html'), SOURCES)) return false;
  // Beside the old one and then in its place: a server that runs meanwhile is without a page for an instant only, and
  // of two builds at a time neither clears what the other has written.
  const draft = join(ROOT, 'dist', `page-${process.pid}-${Date.now()}`);
  await mkdir(join(ROOT, 'dist'), { recursive: true });
  try {
    await bundle(draft);
    await replace(PAGE, draft);
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
  return true;
}

/** Whether this file is there and no source, nor anything in a folder of sources, was changed after it. */
export async function isNewer(file: string, sources: readonly string[]): Promise<boolean> {
  const [builtAt, changedAt] = await Promise.all([modifiedAt(file), newest(sources)]);
  return builtAt > changedAt;
}

/** In a process of its own: the bundler's memory goes with it, and the cloud starts on the other core meanwhile. */
async function bundle(outDir: string): Promise<void> {
  const vite = join(createRequire(import.meta.url).resolve('vite/package.json'), '..', 'bin', 'vite.js');
  const child = spawn(process.execPath, [vite, 'build', WEB, '--outDir', outDir, '--logLevel', 'warn'], {
    stdio: ['ignore', 'pipe', 'pipe'],
    // A test run or a shell may say otherwise, and would get React's development build, several times slower.
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
    // Another build of the same sources was quicker by this instant.
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOTEMPTY')) throw error;
  }
  await rm(old, { recursive: true, force: true });
}

function unlessMissing(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error;
}

/** Milliseconds since the epoch; 0 for what is not there. */
async function modifiedAt(path: string): Promise<number> {
  return stat(path).then(
    ({ mtimeMs }) => mtimeMs,
    (error) => {
      unlessMissing(error);
      return 0;
    },
  );
}

/** The latest change of these files and of those in these folders. */
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
