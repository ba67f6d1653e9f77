import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { LocalCloudError } from '../local/errors.ts';
import { temporaryFolder } from '../test/support/temporary-folder.ts';
import { watchAgent } from './watch-agent.ts';

const BROKEN = Object.assign(new Error('Build failed'), {
  errors: [{ text: 'Expected ";"', location: { file: 'agent.ts', line: 3, column: 6 } }],
});
const STAYED = '! The agent stays as it was.';
const RELOADED = ['midturn reloaded the agent', 'types'];

/** A cloud whose agent is in one file, where `broken` and `wrong` cannot be taken in, and what its developer is told. */
function given() {
  const file = join(temporaryFolder(), 'agent.ts');
  const said: string[] = [];
  const text = () => readFile(file, 'utf8');
  let taken = '';
  watchAgent(
    {
      agentSources: () => [file],
      async reload() {
        const now = await text();
        if (now === 'broken') throw BROKEN;
        const hasChanged = now !== taken;
        taken = now;
        return hasChanged && now !== '';
      },
    },
    {
      async check() {
        if ((await text()) === 'wrong') throw new LocalCloudError('no model');
      },
      checkTypes: async () => void said.push('types'),
      log: (line) => said.push(line),
      complain: (line) => said.push(`! ${line}`),
    },
  );
  return { said, taken: () => taken, write: (now: string) => writeFile(file, now) };
}

it('a change of the agent is taken in and told, and then its types are checked', async () => {
  const { said, taken, write } = given();
  await write('one');
  await expect.poll(() => said).toEqual(RELOADED);
  await write('two');
  await expect.poll(() => said).toEqual([...RELOADED, ...RELOADED]);
  expect(taken()).toBe('two');
});

it.each([
  ['broken', '! agent.ts:3:7: Expected ";"'],
  ['wrong', '! no model'],
])('an agent that is %s is not taken in, which is told, and the next change is', async (change, why) => {
  const { said, taken, write } = given();
  await write(change);
  await expect.poll(() => said.slice(0, 2)).toEqual([why, STAYED]);
  expect(taken()).toBe('');
  await write('mended');
  await expect.poll(() => said.slice(-2)).toEqual(RELOADED);
});
