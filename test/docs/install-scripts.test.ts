import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { ROOT } from './markdown.ts';

const read = (file: string) => JSON.parse(readFileSync(join(ROOT, file), 'utf8'));

const { allowScripts } = read('package.json') as { allowScripts: Record<string, boolean> };
const withScripts = Object.entries(
  (read('package-lock.json') as { packages: Record<string, { hasInstallScript?: true }> }).packages,
)
  .filter(([, { hasInstallScript }]) => hasInstallScript)
  .map(([path]) => path.replace(/^.*node_modules\//, ''));

it('a package that runs a script when it is installed was looked at, and no other comes in unseen', () => {
  const unseen = withScripts.filter((name) => name !== 'fsevents' && !allowScripts[name]);
  expect(unseen).toEqual([]);
});

it('the package that reports installations is not installed, whatever the npm: an empty one is in its place', () => {
  const installed = Object.entries(
    (read('package-lock.json') as { packages: Record<string, { name?: string }> }).packages,
  ).filter(([path]) => path.endsWith('node_modules/@scarf/scarf'));
  expect(installed.length).toBeGreaterThan(0);
  for (const [, { name }] of installed) expect(name).toBe('empty-npm-package');
});
