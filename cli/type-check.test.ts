import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../test/support/temporary-folder.ts';
import { checkTypes } from './type-check.ts';

const error = (line: number) => `agent/agent.ts(${line},7): error TS2322: Type 'a' is not 'b'.`;
const SHOWN = (line: number) => `agent/agent.ts:${line}:7: TS2322: Type 'a' is not 'b'.`;

/** What is printed of a project whose compiler prints this, and what the compiler was called with. */
async function printed(
  says: readonly string[],
  { compiler = true, config = true } = {},
): Promise<{ lines: string[]; folder: string }> {
  const folder = temporaryFolder();
  if (config) writeFileSync(join(folder, 'tsconfig.json'), '{}');
  if (compiler) {
    const bin = join(folder, 'node_modules', 'typescript', 'bin');
    mkdirSync(bin, { recursive: true });
    writeFileSync(join(bin, '..', 'package.json'), '{"name":"typescript","version":"9.9.9"}');
    const text = says.join('\n');
    writeFileSync(
      join(bin, 'tsc'),
      `console.log(${JSON.stringify(text)}, process.argv.slice(2).join(' '), process.cwd())`,
    );
  }
  const lines: string[] = [];
  await checkTypes(folder, (line) => void lines.push(line));
  return { lines, folder };
}

it.each([
  [1, [SHOWN(1)]],
  [5, [1, 2, 3, 4, 5].map(SHOWN)],
  [6, [...[1, 2, 3, 4, 5].map(SHOWN), 'and 1 more type errors']],
  [9, [...[1, 2, 3, 4, 5].map(SHOWN), 'and 4 more type errors']],
])('of %d type errors, each is one line, up to five', async (count, lines) => {
  const says = Array.from({ length: count }, (_, n) => [error(n + 1), '  It explains at length.']).flat();
  expect((await printed([...says, 'Found errors.'])).lines).toEqual(lines);
});

it('a project is checked by its own compiler, in its own folder, and nothing is written', async () => {
  const { lines, folder } = await printed(['agent.ts(1,1): error TS1:']);
  expect(lines).toEqual([`agent.ts:1:1: TS1: --noEmit --pretty false -p ${folder} ${folder}`]);
});

it('nothing is said of a project without errors, without a compiler, or without a configuration', async () => {
  expect((await printed(['Found 0 errors.'])).lines).toEqual([]);
  expect((await printed([error(1)], { config: false })).lines).toEqual([]);
  expect((await printed([error(1)], { compiler: false })).lines).toEqual([]);
});
