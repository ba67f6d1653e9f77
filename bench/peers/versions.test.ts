import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../test/support/temporary-folder.ts';
import { lacking, versionOf } from './versions.ts';

const ROOT = join(import.meta.dirname, '..', '..');

/** A package with these dependencies, of which some are installed. */
async function given(dependencies: Record<string, string>, installed: Record<string, string>) {
  const folder = temporaryFolder();
  await writeFile(join(folder, 'package.json'), JSON.stringify({ dependencies }));
  for (const [name, version] of Object.entries(installed)) {
    await mkdir(join(folder, 'node_modules', name), { recursive: true });
    await writeFile(join(folder, 'node_modules', name, 'package.json'), JSON.stringify({ name, version }));
  }
  return folder;
}

describe('the packages of the peers', () => {
  it('are installed when one is missing or of another version, and only then', async () => {
    const wanted = { '@scope/one': '1.0.0', two: '2.0.0' };
    expect(lacking(await given(wanted, wanted))).toEqual([]);
    const folder = await given(wanted, { '@scope/one': '1.0.1' });
    expect(lacking(folder)).toEqual(['@scope/one', 'two']);
    expect(versionOf('@scope/one', folder)).toBe('1.0.1');
    expect(versionOf('two', folder)).toBeUndefined();
  });

  it('are named in exact versions, as the lock file has them, and are no dependencies of this project', async () => {
    const read = async (...path: string[]) => JSON.parse(await readFile(join(ROOT, ...path), 'utf8'));
    const { dependencies } = await read('bench', 'peers', 'package.json');
    const { packages } = await read('bench', 'peers', 'package-lock.json');
    const own = await read('package.json');
    for (const [name, version] of Object.entries(dependencies)) {
      expect([name, packages[`node_modules/${name}`].version]).toEqual([name, version]);
    }
    const peers = ['agents', 'wrangler', 'langchain', '@ai-sdk/workflow', 'workflow', '@mastra/core'];
    for (const name of peers) {
      expect(dependencies).toHaveProperty([name]);
      expect({ ...own.dependencies, ...own.devDependencies }).not.toHaveProperty([name]);
    }
  });
});
