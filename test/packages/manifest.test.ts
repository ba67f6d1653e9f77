import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { manifestOf } from '../../packaging/manifest.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const root = JSON.parse(readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8'));

it('the package depends on what it imports, but for what the user’s project chooses and for itself', () => {
  const own = {
    ...root,
    dependencies: { ...root.dependencies, zod: '4.5.6', ws: '8.0.0' },
    devDependencies: { ...root.devDependencies, esbuild: '0.1.2', ws: '7.0.0' },
  };
  const imported = ['ai', 'aws-cdk-lib', 'constructs', 'esbuild', 'midturn', 'ws', 'zod'];
  expect(manifestOf({ ...own, name: 'midturn' }, imported)).toMatchObject({
    dependencies: { esbuild: '^0.1.2', ws: '^8.0.0', zod: '^4.5.6' },
  });
  expect(() => manifestOf(own, ['nobody-names-it'])).toThrow('package.json does not name nobody-names-it.');
});

it('a new project has the versions that are tested here: exactly where a newer one is known to fail', () => {
  const tested = { ...root.devDependencies, ...root.dependencies };
  const { starter } = manifestOf(root, []) as { starter: Record<string, string> };
  expect(Object.keys(starter).toSorted()).toEqual(
    ['@types/node', 'ai', 'aws-cdk', 'aws-cdk-lib', 'constructs', 'typescript', 'vitest', 'zod'].toSorted(),
  );
  for (const [name, version] of Object.entries(starter))
    expect(version).toBe(name === 'aws-cdk' ? tested[name] : `^${tested[name]}`);
});

it('a release gives the client and the lock file the version of the package, and changes nothing else', async () => {
  const folder = temporaryFolder();
  mkdirSync(join(folder, 'client'));
  const files = {
    'package.json': { name: 'midturn', version: '1.2.3' },
    'client/package.json': { name: 'midturn-client', version: '1.2.2', type: 'module' },
    'package-lock.json': {
      version: '1.2.2',
      packages: { '': { name: 'midturn', version: '1.2.2' }, 'node_modules/ws': { version: '8.0.0' } },
    },
  };
  for (const [path, value] of Object.entries(files)) writeFileSync(join(folder, path), JSON.stringify(value));
  const script = join(import.meta.dirname, '../../packaging/same-version.ts');
  const { stdout } = await promisify(execFile)(process.execPath, [script], { cwd: folder });
  expect(stdout).toContain('midturn and midturn-client are 1.2.3 now');
  const read = (path: string) => JSON.parse(readFileSync(join(folder, path), 'utf8'));
  expect(read('package.json')).toEqual(files['package.json']);
  expect(read('client/package.json')).toEqual({ ...files['client/package.json'], version: '1.2.3' });
  expect(read('package-lock.json')).toEqual({
    version: '1.2.3',
    packages: { '': { name: 'midturn', version: '1.2.3' }, 'node_modules/ws': { version: '8.0.0' } },
  });
});
