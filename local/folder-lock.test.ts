import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, expect, it } from 'vitest';
import { temporaryFolder } from '../test/support/temporary-folder.ts';
import { lockFolder } from './folder-lock.ts';

let folder: string;
const lockedBy = (pid: number | undefined) => writeFile(join(folder, 'lock'), String(pid));

beforeEach(() => {
  folder = temporaryFolder();
});

it('a folder has one holder, until it is unlocked', async () => {
  const unlock = await lockFolder(folder);
  expect(unlock).toBeDefined();
  expect(await lockFolder(folder)).toBeUndefined();
  await unlock?.();
  expect(await readdir(folder)).toEqual([]);
  const again = await lockFolder(folder);
  expect(again).toBeDefined();
  await again?.();
});

it('a folder that does not exist is made', async () => {
  const unlock = await lockFolder(join(folder, 'new', 'one'));
  expect(await readdir(join(folder, 'new', 'one'))).toEqual(['lock']);
  await unlock?.();
});

it('the lock of a process that runs counts', async () => {
  await lockedBy(process.ppid);
  expect(await lockFolder(folder)).toBeUndefined();
  expect(await readdir(folder)).toEqual(['lock']);
  // Until that process has ended.
  await rm(join(folder, 'lock'));
  const unlock = await lockFolder(folder);
  expect(unlock).toBeDefined();
  await unlock?.();
});

it('a folder that cannot be made is an error each time, and can be locked once it can be made', async () => {
  const inner = join(folder, 'file', 'inner');
  await writeFile(join(folder, 'file'), '');
  for (let n = 0; n < 2; n++) await expect(lockFolder(inner)).rejects.toMatchObject({ code: 'ENOTDIR' });
  await rm(join(folder, 'file'));
  const unlock = await lockFolder(inner);
  expect(unlock).toBeDefined();
  await unlock?.();
});

it('the lock of a process that is gone does not count, nor that of an earlier one with this process’s id', async () => {
  const gone = spawn('true');
  await once(gone, 'exit');
  for (const pid of [gone.pid, process.pid]) {
    await lockedBy(pid);
    const unlock = await lockFolder(folder);
    expect(unlock).toBeDefined();
    await unlock?.();
  }
});
