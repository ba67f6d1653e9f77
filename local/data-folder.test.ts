import { chmod, mkdir, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../test/support/temporary-folder.ts';
import { closeToOthers, holdDataFolder } from './data-folder.ts';
import { LocalCloudError } from './errors.ts';

const modeOf = async (path: string) => ((await stat(path)).mode & 0o777).toString(8);

it('a data folder, and what is in it, is its owner’s alone; what it only points to stays as it is', async () => {
  const [folder, elsewhere] = [temporaryFolder(), temporaryFolder()];
  const outside = join(elsewhere, 'file');
  await writeFile(outside, '');
  await chmod(outside, 0o644);
  await mkdir(join(folder, 'deep', 'er'), { recursive: true });
  await writeFile(join(folder, 'deep', 'er', 'file'), '');
  await symlink(outside, join(folder, 'deep', 'link'));
  for (const path of ['', 'deep', 'deep/er']) await chmod(join(folder, path), 0o755);
  await closeToOthers(folder);
  expect(
    await Promise.all(['', 'deep', 'deep/er', 'deep/er/file'].map((path) => modeOf(join(folder, path)))),
  ).toEqual(['700', '700', '700', '600']);
  expect(await modeOf(outside)).toBe('644');
});

it('a data folder is one cloud’s at a time, and made where it is missing', async () => {
  const folder = join(temporaryFolder(), 'new', 'one');
  const release = await holdDataFolder(folder);
  const refused = holdDataFolder(folder);
  await expect(refused).rejects.toBeInstanceOf(LocalCloudError);
  await expect(refused).rejects.toThrow(`MIDTURN_DATA_DIR ${folder} is in use by another local cloud.`);
  await release();
  await (await holdDataFolder(folder))();
});

it('a data folder that cannot be one says why', async () => {
  const file = join(temporaryFolder(), 'file');
  await writeFile(file, '');
  await expect(holdDataFolder(join(file, 'folder'))).rejects.toThrow(
    new RegExp(`^MIDTURN_DATA_DIR ${join(file, 'folder')} cannot be used: ENOTDIR`),
  );
});
