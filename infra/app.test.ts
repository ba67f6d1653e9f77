import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { manifestOf } from '../packaging/manifest.ts';

const ROOT = join(import.meta.dirname, '..');

/** What a module imports, by its text. */
async function importsOf(path: string): Promise<string[]> {
  const text = await readFile(join(ROOT, path), 'utf8');
  return [...text.matchAll(/(?:from|import) '([^']+)'/g)].map(([, name = '']) => name);
}

it("this project's own app and agent import of ours what the package gives to everybody", async () => {
  const root = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'));
  const given = Object.keys(Object(manifestOf(root, [])).exports).map((name) => name.replace('.', 'midturn'));
  const tools = (await readdir(join(ROOT, 'agent', 'tools'))).filter((name) => !name.includes('.test.'));
  const modules = ['infra/app.ts', 'agent/agent.ts', ...tools.map((name) => `agent/tools/${name}`)];
  const imported = new Map<string, string[]>();
  for (const path of modules) imported.set(path, await importsOf(path));
  expect(imported.get('infra/app.ts')).toEqual(['aws-cdk-lib/core', 'midturn/cdk']);
  for (const [path, names] of imported) {
    const ours = names.filter((name) => name.startsWith('midturn'));
    expect(given, path).toEqual(expect.arrayContaining(ours));
    // The agent's own tools are beside it.
    expect(
      names.filter((name) => name.startsWith('.') && !name.startsWith('./tools/')),
      path,
    ).toEqual([]);
  }
});
