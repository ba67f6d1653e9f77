import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');
const WHILE_IMPORTED = /^(?:beforeAll|beforeEach|afterEach|afterAll)\(/m;

// A module is imported once for all files of a process: a hook that it registers then is one of the first file alone.
it('no module that files share registers a hook while it is imported', () => {
  const files = execFileSync('git', ['ls-files', '*.ts', '*.tsx'], { cwd: ROOT, encoding: 'utf8' });
  const found = files
    .split('\n')
    .filter((file) => file !== '' && !/\.test\.tsx?$|^web\/|^test\/support\/each-file\.ts$/.test(file))
    .filter((file) => WHILE_IMPORTED.test(readFileSync(join(ROOT, file), 'utf8')));
  expect(found).toEqual([]);
});

it('and one that did would be found', () => {
  expect(WHILE_IMPORTED.test("import { afterEach } from 'vitest';\nafterEach(close);\n")).toBe(true);
  expect(WHILE_IMPORTED.test('export function given() {\n  afterEach(close);\n}\n')).toBe(false);
});
