import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../test/support/temporary-folder.ts';
import { bundlerError, loadAgent } from './agent-module.ts';
import { LocalCloudError } from './errors.ts';

it('the module of an agent is loaded as it is now, with all that it imports', async () => {
  const folder = temporaryFolder();
  const [agent, beside] = [join(folder, 'agent.ts'), join(folder, 'beside.ts')];
  await writeFile(agent, "import { model } from './beside.ts'; export const agent: object = { model };");
  for (const model of ['one', 'two']) {
    await writeFile(beside, `export const model: string = '${model}';`);
    expect((await loadAgent(agent)).agent).toEqual({ model });
  }
});

it('what the module throws is thrown, and what the bundler says of it is a line for each mistake', async () => {
  const file = join(temporaryFolder(), 'agent.ts');
  await writeFile(file, "throw new RangeError('no key');");
  await expect(loadAgent(file)).rejects.toThrow(RangeError);
  await writeFile(file, "import './one.ts';\n  import './two.ts';");
  const failed = await loadAgent(file).catch((error: unknown) => error);
  expect(failed).toBeInstanceOf(LocalCloudError);
  const lines = String((failed as Error).message).split('\n');
  expect(lines).toEqual([
    expect.stringMatching(/agent\.ts:1:8: Could not resolve "\.\/one\.ts"$/),
    expect.stringMatching(/agent\.ts:2:10: Could not resolve "\.\/two\.ts"$/),
  ]);
});

it('a mistake without a place is its words alone, and another error stays as it is', () => {
  const failed = Object.assign(new Error('Build failed'), {
    errors: [{ text: 'no memory', location: null }],
  });
  expect(bundlerError(failed)).toEqual(new LocalCloudError('no memory'));
  for (const error of ['text', new Error('other')]) expect(bundlerError(error)).toBe(error);
});
