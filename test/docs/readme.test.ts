import { execFile } from 'node:child_process';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ANNS_SETUP, NO_FILES, UNSEEN } from '../../core/testing/call-setup.ts';
import type { AgentDefinition } from '../../model/agent/index.ts';
import { createToolbox } from '../../model/tools/toolbox.ts';
import { pageAt, ROOT } from './markdown.ts';

const readme = pageAt('README.md').text;
const code = /```ts\n(\/\/ agent\/agent\.ts\n[\s\S]*?)```/.exec(readme)?.[1] ?? '';
/** In the package, so that `midturn/agent` means this one. */
const folder = join(ROOT, 'dist/readme');

beforeAll(async () => {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'agent.ts'), code);
  await writeFile(
    join(folder, 'tsconfig.json'),
    JSON.stringify({ extends: '../../tsconfig.json', include: ['agent.ts'] }),
  );
});
afterAll(() => rm(folder, { recursive: true, force: true, maxRetries: 10 }));

describe('the agent in the README', () => {
  it('compiles as it is written', async () => {
    await promisify(execFile)('npx', ['tsc', '--noEmit', '-p', folder], { cwd: ROOT });
  });

  it('is an agent whose tool answers the call that the README makes', async () => {
    const { agent }: { agent: AgentDefinition } = await import(pathToFileURL(join(folder, 'agent.ts')).href);
    const [, name = '', input = ''] = /`use (\w+) (\{.*?\})`/.exec(readme) ?? [];
    const outcome = await createToolbox(agent).run(
      { id: '1', name, args: JSON.parse(input) },
      {
        signal: new AbortController().signal,
        idempotencyKey: 'key',
        setup: ANNS_SETUP,
        display: UNSEEN,
        files: NO_FILES,
      },
    );
    expect(outcome).toMatchObject({ isError: false, output: JSON.parse(input) });
  });

  it('is short: a dozen lines, and the page fits on one', () => {
    expect(code.split('\n').filter((line) => line.trim()).length).toBeLessThanOrEqual(16);
    expect(readme.split('\n').length).toBeLessThanOrEqual(100);
  });
});
