import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { temporaryFolder } from '../test/support/temporary-folder.ts';
import { buildFunctions } from './build.ts';

let folder: string;

beforeEach(async () => {
  folder = temporaryFolder();
});

async function sources(files: Record<string, string>): Promise<void> {
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
}

const build = (names: string[], isRelease = false) =>
  buildFunctions({
    groups: [Object.fromEntries(names.map((name) => [name, join(folder, `${name}.ts`)]))],
    outdir: join(folder, 'out'),
    ...(isRelease && { sourceMaps: true, clean: true }),
  });

describe('each function’s folder', () => {
  it('holds all that it needs, also what it shares with others and what it loads later', async () => {
    await sources({
      'shared.ts': `export const word: string = 'shared';`,
      'late.ts': `export const later: string = 'late';`,
      'one.ts': `import { word } from './shared.ts'; export const handler = async () => [word, (await import('./late.ts')).later];`,
      'two.ts': `import { word } from './shared.ts'; import { later } from './late.ts'; export const handler = async () => word + later;`,
    });
    await build(['one', 'two']);
    const one = await import(join(folder, 'out/one/index.mjs'));
    const two = await import(join(folder, 'out/two/index.mjs'));
    expect([await one.handler(), await two.handler()]).toEqual([['shared', 'late'], 'sharedlate']);
  });

  it('holds nothing of another function', async () => {
    await sources({
      'heavy.ts': `export const weight = 'heavy';`,
      'one.ts': `export const handler = async () => (await import('./heavy.ts')).weight;`,
      'two.ts': `export const handler = async () => 2;`,
    });
    await build(['one', 'two']);
    expect(await readdir(join(folder, 'out/two'))).toEqual(['index.mjs']);
  });

  it('loses what an earlier build left only for a release, which has source maps', async () => {
    await sources({
      'late.ts': 'export default 1;',
      'one.ts': `export const handler = () => import('./late.ts');`,
    });
    await build(['one']);
    const before = await readdir(join(folder, 'out/one'));
    await sources({ 'one.ts': 'export const handler = () => 1;' });
    await build(['one']);
    expect(await readdir(join(folder, 'out/one'))).toEqual(before);
    await build(['one'], true);
    expect(await readdir(join(folder, 'out/one'))).toEqual(['index.mjs', 'index.mjs.map']);
  });
});
