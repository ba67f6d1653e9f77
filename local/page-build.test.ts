import { mkdir, readdir, readFile, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../test/support/temporary-folder.ts';
import { buildPage, isNewer, PAGE_FOLDER } from './page-build.ts';

/** Seconds since the epoch. */
const at = async (path: string, seconds: number) => {
  await writeFile(path, '');
  await utimes(path, seconds, seconds);
};

it('a page is built anew when it is missing or older than a source, however deep', async () => {
  const folder = temporaryFolder();
  const [built, sources] = [join(folder, 'index.html'), join(folder, 'web')];
  await mkdir(join(sources, 'src', 'styles'), { recursive: true });
  await mkdir(join(sources, 'dist'));
  const lock = join(folder, 'package-lock.json');
  await at(lock, 100);
  await at(join(sources, 'src', 'styles', 'page.css'), 100);
  expect(await isNewer(built, [sources, lock])).toBe(false);
  await at(built, 200);
  expect(await isNewer(built, [sources, lock])).toBe(true);
  await at(join(sources, 'dist', 'index.js'), 300);
  expect(await isNewer(built, [sources, lock])).toBe(true);
  await at(join(sources, 'src', 'styles', 'page.css'), 300);
  expect(await isNewer(built, [sources, lock])).toBe(false);
  await at(built, 400);
  await at(lock, 500);
  expect(await isNewer(built, [sources, lock])).toBe(false);
});

it('a build leaves a page that is not built again', async () => {
  await buildPage();
  const index = join(PAGE_FOLDER, 'index.html');
  const { mtimeMs } = await stat(index);
  expect(await readFile(index, 'utf8')).toMatch(/<script .*src="\.\/assets\//);
  for (const name of await readdir(join(PAGE_FOLDER, 'assets'))) {
    expect(await readFile(join(PAGE_FOLDER, 'assets', name), 'utf8')).not.toContain('Each child in a list');
  }
  expect(await buildPage()).toBe(false);
  expect((await stat(index)).mtimeMs).toBe(mtimeMs);
});
