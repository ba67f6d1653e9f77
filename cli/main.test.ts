import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../test/support/temporary-folder.ts';
import { COMMANDS } from './commands.ts';

const run = promisify(execFile);

it.each([
  ['midturn', undefined],
  ['midturn', 'vitest'],
  ['npx midturn', 'midturn'],
  ['npx midturn', "'midturn'"],
])('commands are shown as %s where npm ran %s', async (called, script) => {
  const { npm_lifecycle_script: _, ...env } = process.env;
  const { stdout } = await run(process.execPath, [join(import.meta.dirname, 'main.ts'), 'chat', '--help'], {
    env: { ...env, ...(script !== undefined && { npm_lifecycle_script: script }) },
  });
  expect(stdout).toMatch(new RegExp(`^${called} chat <ws://`));
});

/** The binary beside this manifest. */
function beside(manifest: object): string {
  const folder = temporaryFolder();
  mkdirSync(join(folder, 'cli'));
  writeFileSync(
    join(folder, 'package.json'),
    JSON.stringify({ type: 'module', version: '1.2.3', ...manifest }),
  );
  for (const file of ['main.ts', 'commands.ts'])
    cpSync(join(import.meta.dirname, file), join(folder, 'cli', file));
  return join(folder, 'cli', 'main.ts');
}

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);

it.each([
  [`>=${major}.${minor}`, true],
  [`>=${major}.${minor + 1}`, false],
  [`>=${major - 1}.${minor + 1}`, true],
  [`>=${major + 1}.0`, false],
])('runs on this Node where it needs %s: %s', async (node, runs) => {
  const asked = run(process.execPath, [beside({ engines: { node } }), '--version']);
  if (runs) expect((await asked).stdout).toBe('1.2.3\n');
  else {
    const stderr = `midturn needs Node ${node.slice(2)} or later. This is Node ${process.versions.node}.\n`;
    await expect(asked).rejects.toMatchObject({ code: 1, stdout: '', stderr });
  }
});

it.each([[], ['help'], ['--help'], ['-h']])('says what commands there are to %j', async (...words) => {
  const { stdout } = await run(process.execPath, [join(import.meta.dirname, 'main.ts'), ...words]);
  expect(stdout.match(/^ {2}[a-z-]+/gm)?.map((name) => name.trim())).toEqual(Object.keys(COMMANDS));
});

it.each(['deploy', 'constructor', '__proto__'])('says that there is no command %s', async (name) => {
  await expect(run(process.execPath, [join(import.meta.dirname, 'main.ts'), name])).rejects.toMatchObject({
    code: 2,
    stdout: '',
    stderr: expect.stringMatching(new RegExp(`^There is no command ${name}\\.\n\nusage: midturn <command>`)),
  });
});

it('says its version, which is that of the package', async () => {
  const { version } = JSON.parse(readFileSync(join(import.meta.dirname, '..', 'package.json'), 'utf8'));
  const { stdout } = await run(process.execPath, [join(import.meta.dirname, 'main.ts'), '--version']);
  expect(stdout).toBe(`${version}\n`);
});
