import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

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
