import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '..', '..');
const { scripts }: { scripts: Record<string, string> } = JSON.parse(
  readFileSync(join(root, 'package.json'), 'utf8'),
);

/** Commands that an operator calls: those of `infra/`. */
const OPERATORS = Object.entries(scripts).flatMap(([name, script]) => {
  const file = /^node (infra\/[\w/-]+\.ts)$/.exec(script)?.[1];
  return file ? [{ name, file }] : [];
});

const run = (file: string, ...words: string[]): Promise<{ code: number; text: string }> =>
  new Promise((resolve) => {
    const { PATH, TMPDIR } = process.env;
    execFile(process.execPath, [join(root, file), ...words], { env: { PATH, TMPDIR } }, (error, out, err) =>
      resolve({ code: Number(error?.code ?? 0), text: out + err }),
    );
  });

describe('an operator’s command', () => {
  it('is found', () => {
    expect(OPERATORS.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['sessions', 'delete-principal', 'deploy:emulator']),
    );
  });

  it.each(OPERATORS)('$name says something if it is asked for help', async ({ file }) => {
    expect((await run(file, '--help')).text.trim()).not.toBe('');
  });

  it.each(['sessions', 'delete-principal'])('%s explains itself, or what is wrong', async (name) => {
    const { file = '' } = OPERATORS.find((one) => one.name === name) ?? {};
    const usage = expect.stringContaining(`npm run ${name} -- `);
    expect(await run(file, '--help')).toEqual({ code: 0, text: usage });
    expect(await run(file)).toEqual({ code: 2, text: usage });
    expect(await run(file, 'a', 'b', 'c', '--no-such-option')).toEqual({ code: 2, text: usage });
  });
});

it('no program asks whether it is the main module: before Node 24.2 it would do nothing, and say nothing', async () => {
  const folders = (await readdir(root, { withFileTypes: true })).filter(
    (entry) => entry.isDirectory() && !/^(\.|node_modules$|dist$|cdk\.out$|docs$)/.test(entry.name),
  );
  const files = await Promise.all(
    folders.map(async ({ name }) =>
      (await readdir(join(root, name), { recursive: true }))
        .filter((path) => /\.m?tsx?$/.test(path) && !/(^|\/)(node_modules|dist)\//.test(path))
        .map((path) => join(name, path)),
    ),
  );
  const all = files.flat();
  expect(all.length).toBeGreaterThan(500);
  const texts = await Promise.all(
    all.map(async (path) => ({ path, text: await readFile(join(root, path), 'utf8') })),
  );
  // In two parts, so that this file does not find itself.
  const asking = texts.filter(({ text }) => text.includes(`import.meta.${'main'}`)).map(({ path }) => path);
  expect(asking).toEqual([]);
});
