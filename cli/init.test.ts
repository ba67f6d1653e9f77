import { execFile } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../test/support/temporary-folder.ts';

const own = JSON.parse(readFileSync(join(import.meta.dirname, '..', 'package.json'), 'utf8'));

const init = (cwd: string, ...words: string[]): Promise<{ code: number; out: string; err: string }> =>
  new Promise((resolve) => {
    execFile(process.execPath, [join(import.meta.dirname, 'init.ts'), ...words], { cwd }, (error, out, err) =>
      resolve({ code: Number(error?.code ?? 0), out, err }),
    );
  });
const manifestIn = (folder: string) => JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));

describe('`midturn init`', () => {
  it('makes a project in a new folder, named after it, with the versions that are tested here', async () => {
    const folder = temporaryFolder();
    const { code, out } = await init(folder, 'Our Chat!');
    expect(code).toBe(0);
    expect(out).toMatch(/^made package.json\nmade app.ts\n/);
    expect(out).toMatch(/\nThen: cd 'Our Chat!' && npm install && npx midturn dev\n$/);
    const {
      name,
      private: isPrivate,
      type,
      scripts,
      dependencies,
      devDependencies,
    } = manifestIn(join(folder, 'Our Chat!'));
    expect([name, isPrivate, type]).toEqual(['our-chat', true, 'module']);
    expect(scripts).toMatchObject({ dev: 'midturn dev', deploy: 'cdk deploy' });
    const tested = { ...own.devDependencies, ...own.dependencies };
    expect(dependencies).toEqual({
      ai: tested.ai,
      'aws-cdk-lib': tested['aws-cdk-lib'],
      constructs: tested.constructs,
      midturn: `^${own.version}`,
      zod: tested.zod,
    });
    expect(Object.keys(devDependencies)).toEqual(['@types/node', 'aws-cdk', 'typescript', 'vitest']);
  });

  it('adds to the manifest of a project what it lacks, and changes nothing that is there', async () => {
    const folder = temporaryFolder();
    const theirs = {
      name: 'shop',
      scripts: { dev: 'their own', lint: 'biome check' },
      dependencies: { zod: '1.0.0' },
      devDependencies: { ai: '2.0.0', vitest: '3.0.0' },
    };
    writeFileSync(join(folder, 'package.json'), JSON.stringify(theirs));
    const { out } = await init(folder);
    expect(out).toMatch(
      /^added to package.json: type, scripts, aws-cdk-lib, constructs, midturn, @types\/node, aws-cdk, typescript\n/,
    );
    expect(out).toMatch(/\nThen: npm install && npx midturn dev\n$/);
    const manifest = manifestIn(folder);
    expect(manifest).toMatchObject({ ...theirs, type: 'module' });
    expect(manifest.scripts).toMatchObject({ test: 'tsc && vitest run', synth: 'cdk synth --quiet' });
    expect(manifest.dependencies).not.toHaveProperty('ai');
    expect(await init(folder)).toMatchObject({ out: expect.stringMatching(/^kept package.json\n/) });
    expect(manifestIn(folder)).toEqual(manifest);
  });

  it('overwrites no file, and says which it kept', async () => {
    const folder = temporaryFolder();
    mkdirSync(join(folder, 'agent'));
    for (const file of ['app.ts', 'agent/agent.ts']) writeFileSync(join(folder, file), 'theirs');
    const { out } = await init(folder);
    expect(out.split('\n').filter((line) => line.startsWith('kept'))).toEqual([
      'kept app.ts',
      'kept agent/agent.ts',
    ]);
    for (const file of ['app.ts', 'agent/agent.ts'])
      expect(readFileSync(join(folder, file), 'utf8')).toBe('theirs');
  });

  it.each([
    ['no JSON', '{', /package\.json: .*JSON/],
    [
      'a project of CommonJS',
      '{"type":"commonjs"}',
      /says "type": "commonjs", and the files of the app are ES/,
    ],
  ])('makes nothing beside a manifest that is %s', async (_, text, complaint) => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'package.json'), text);
    expect(await init(folder)).toEqual({ code: 1, out: '', err: expect.stringMatching(complaint) });
    expect(readdirSync(folder)).toEqual(['package.json']);
    expect(readFileSync(join(folder, 'package.json'), 'utf8')).toBe(text);
  });

  it('leaves a CDK app of CommonJS what it is', async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'cdk.json'), '{}');
    writeFileSync(join(folder, 'package.json'), '{"type":"commonjs"}');
    expect(await init(folder)).toMatchObject({ code: 0 });
    expect(manifestIn(folder)).toMatchObject({ type: 'commonjs' });
    expect(manifestIn(folder)).not.toHaveProperty('scripts');
  });

  it.each([
    [['one', 'two'], /^One folder is enough\./],
    [['--fast'], /^Unknown option/],
  ])('explains itself to %j', async (words, complaint) => {
    const folder = temporaryFolder();
    const { code, err } = await init(folder, ...words);
    expect([code, err]).toEqual([2, expect.stringMatching(complaint)]);
    expect(err).toContain('usage: midturn init [folder]');
    expect(readdirSync(folder)).toEqual([]);
  });
});
