import { glob, readFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { expect, it } from 'vitest';

const HERE = import.meta.dirname;
const ROOT = join(HERE, '..');

it('the page and the terminal chat import of the client what its package exports, as anybody’s would', async () => {
  const { exports } = JSON.parse(await readFile(join(HERE, 'package.json'), 'utf8')) as {
    exports: Record<string, { default?: string }>;
  };
  const entries = Object.values(exports)
    .flatMap(({ default: built }) => built ?? [])
    .map((built) => built.replace(/^\.\/dist\//, 'client/').replace(/\.js$/, '.ts'));
  const imported = new Set<string>();
  for await (const file of glob('{web/src,chat}/**/*.{ts,tsx}', { cwd: ROOT })) {
    if (/\.test\.tsx?$/.test(file)) continue;
    const text = await readFile(join(ROOT, file), 'utf8');
    for (const [, from = ''] of text.matchAll(/from '(\.[^']+)'/g)) {
      const target = relative(ROOT, join(ROOT, dirname(file), from));
      if (target.startsWith('client/')) imported.add(target);
    }
  }
  expect(imported.size).toBeGreaterThan(5);
  expect([...imported].filter((target) => !entries.includes(target))).toEqual([]);
});
