import { execFile } from 'node:child_process';
import { cp, readFile, symlink, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, expect, test, vi } from 'vitest';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { LONG_TEST_MS } from '../support/timeouts.ts';

const run = promisify(execFile);
const root = join(import.meta.dirname, '../..');

const LEFT_OUT = ['node_modules', '.git', 'dist', 'cdk.out'];
const PLANTED = {
  'core/planted-one.ts': `import type { Two } from './planted-two.ts';\n\nexport type One = { two?: Two };\n`,
  'core/planted-two.ts': `import type { One } from './planted-one.ts';\n\nexport type Two = { one?: One };\n`,
  'core/planted-up.ts': `export type { TableNames } from '../aws/dynamodb/store.ts';\n`,
  'core/planted-dead.ts': 'export const used = 1;\nexport const dead = 2;\n',
  'core/planted-lookup.ts': `export const of = (all: Record<string, number>, id: string) => all[id];\n`,
  'core/planted.test.ts': `import './planted-one.ts';\nimport './planted-up.ts';\nimport './planted-lookup.ts';\nimport { used } from './planted-dead.ts';\n\nconsole.log(used);\n`,
};

/** Both tools read the whole project. */
vi.setConfig({ testTimeout: LONG_TEST_MS, hookTimeout: LONG_TEST_MS });

let copy: string;

beforeAll(async () => {
  copy = temporaryFolder();
  await cp(root, copy, { recursive: true, filter: (file) => !LEFT_OUT.includes(basename(file)) });
  await symlink(join(root, 'node_modules'), join(copy, 'node_modules'));
  for (const [file, text] of Object.entries(PLANTED)) await writeFile(join(copy, file), text);
});

test('`npm run lint` refuses a circle of types, an import of aws/ by core/, and a lookup that finds `constructor`', async () => {
  const refusals = await refusalsOf('biome check --error-on-warnings .');
  expect(refusals).toMatch(/core\/planted-one\.ts:1.*noImportCycles/);
  expect(refusals).toMatch(/core\/planted-two\.ts:1.*noImportCycles/);
  expect(refusals).toMatch(/core\/planted-up\.ts:1.*noRestrictedImports/);
  expect(refusals).toContain('core/ imports protocol/ and config/.');
  expect(refusals).toMatch(/core\/planted-lookup\.ts:1.*plugin/);
  expect(refusals).toContain('Use ownValue (core/own-value.ts) or a Map.');
  expect(refusals).toMatch(/Found 4 errors/);
});

test('`npm run lint` refuses an export that no file imports', async () => {
  const refusals = await refusalsOf('knip');
  expect(refusals).toMatch(/^dead\b.*core\/planted-dead\.ts/m);
  expect(refusals).not.toMatch(/^used\b/m);
});

/** What a command of `npm run lint` prints in the copy. */
async function refusalsOf(command: string): Promise<string> {
  const { scripts } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
  expect(scripts.lint.split(' && ')).toContain(command);
  const [name = '', ...args] = command.split(' ');
  const { code, stdout, stderr } = await run(join(root, 'node_modules/.bin', name), args, { cwd: copy }).then(
    (output) => ({ code: 0, ...output }),
    (failure) => failure,
  );
  expect(code).toBe(1);
  return stdout + stderr;
}
