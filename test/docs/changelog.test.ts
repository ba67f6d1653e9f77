import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { ROOT } from './markdown.ts';

const read = (folder: string, path: string) => readFileSync(join(folder, path), 'utf8');
const json = (folder: string, path: string) => JSON.parse(read(folder, path));

/** The versions of both packages, of the lock file, and of the first part of the changelog. */
function versionsOf(folder: string): unknown[] {
  const lock = json(folder, 'package-lock.json');
  return [
    json(folder, 'package.json').version,
    json(folder, 'client/package.json').version,
    lock.version,
    lock.packages[''].version,
    /^## (\S+)$/m.exec(read(folder, 'CHANGELOG.md'))?.[1],
  ];
}

describe('the changelog', () => {
  it('begins with the version that both packages have', () => {
    const versions = versionsOf(ROOT);
    expect(new Set(versions).size, versions.join()).toBe(1);
    expect(versions[0]).toMatch(/^\d+\.\d+\.\d+$/);
  });

  it('goes on with changes that name a package and a kind of version, and say something', () => {
    const files = readdirSync(join(ROOT, '.changeset')).filter((file) => /(?<!README)\.md$/.test(file));
    for (const file of files)
      expect(read(ROOT, `.changeset/${file}`), file).toMatch(
        /^---\n"midturn": (patch|minor|major)\n---\n\n\S/,
      );
  });

  it('is continued by `npm run release`: the next version of both packages, with what was there below it', async () => {
    const folder = temporaryFolder();
    mkdirSync(join(folder, 'client'));
    for (const path of ['package.json', 'package-lock.json', 'client/package.json', 'CHANGELOG.md'])
      cpSync(join(ROOT, path), join(folder, path));
    mkdirSync(join(folder, '.changeset'));
    cpSync(join(ROOT, '.changeset/config.json'), join(folder, '.changeset/config.json'));
    for (const path of ['node_modules', 'packaging']) symlinkSync(join(ROOT, path), join(folder, path));
    const change = (kind: string, text: string) => `---\n"midturn": ${kind}\n---\n\n${text}\n`;
    writeFileSync(join(folder, '.changeset/one.md'), change('minor', 'Something new.'));
    writeFileSync(join(folder, '.changeset/two.md'), change('patch', 'A fault is gone.'));
    const before = read(folder, 'CHANGELOG.md');
    const [major, minor] =
      versionsOf(folder).map((version) => String(version).split('.').map(Number))[0] ?? [];

    await promisify(execFile)('npm', ['run', 'release'], { cwd: folder });

    const next = `${major}.${Number(minor) + 1}.0`;
    expect(versionsOf(folder)).toEqual(Array(5).fill(next));
    expect(readdirSync(join(folder, '.changeset'))).toEqual(['config.json']);
    expect(read(folder, 'CHANGELOG.md')).toBe(
      before.replace(
        '\n',
        `\n\n## ${next}\n\n### Minor Changes\n\n- Something new.\n\n### Patch Changes\n\n- A fault is gone.\n`,
      ),
    );
  });
});
