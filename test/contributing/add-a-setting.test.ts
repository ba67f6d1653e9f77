import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import { FUNCTION_NAMES } from '../../config/function-names.ts';
import { follow, stepsOf } from './recipe.ts';

const root = join(import.meta.dirname, '../..');
const SOURCES = [
  'package.json',
  'cdk.json',
  'docs/settings.md',
  'protocol',
  'config',
  'core',
  'model',
  'aws',
  'lambdas',
  'agent',
  'infra',
  // Helper of infra/testing.ts.
  'test/support/temporary-folder.ts',
];
const SET = { MIDTURN_MODEL: 'demo', MIDTURN_AUTH: 'none', MIDTURN_GREETING: 'Hello.' };

/** The project after the recipe. */
let folder: string;

const run = (command: string, ...args: string[]) =>
  promisify(execFile)(process.execPath, [join(root, 'node_modules', command), ...args], {
    cwd: folder,
    env: { PATH: process.env.PATH },
  });

/** A module of the copy, which has the type of the project's own. */
const load = async <Module>(path: string): Promise<Module> => import(pathToFileURL(join(folder, path)).href);

beforeAll(async () => {
  folder = await follow('add-a-setting', SOURCES, await stepsOf('add-a-setting.md'));
});

describe('the recipe for a setting', () => {
  it('changes at most three files by hand, one of them a test', async () => {
    const files = new Set((await stepsOf('add-a-setting.md')).map(({ file }) => file));
    expect(files.size).toBeLessThanOrEqual(3);
    expect([...files].filter((file) => file.endsWith('.test.ts'))).toHaveLength(1);
  });

  it('compiles, and the construct has a prop of the entry’s type', async () => {
    await writeFile(
      join(folder, 'prop.ts'),
      `import type { MidturnProps } from './infra/index.ts';
       export const right: MidturnProps = { model: 'demo', auth: 'none', greeting: 'Hello.' };
       // @ts-expect-error it is a text
       export const wrong: MidturnProps = { model: 'demo', auth: 'none', greeting: 1 };`,
    );
    await writeFile(
      join(folder, 'tsconfig.json'),
      JSON.stringify({
        extends: join(root, 'tsconfig.json'),
        include: ['config', 'core', 'lambdas', 'infra', 'prop.ts'],
      }),
    );
    await expect(run('typescript/bin/tsc', '--noEmit', '-p', '.')).resolves.toMatchObject({ stdout: '' });
  });

  it('has a test that passes: the text is in the connected message', async () => {
    const [file = ''] = (await stepsOf('add-a-setting.md')).flatMap(({ file }) =>
      file.endsWith('.test.ts') ? [file] : [],
    );
    const report = join(folder, 'report.json');
    await run('vitest/vitest.mjs', 'run', '--root', folder, '--reporter=json', '--outputFile', report, file);
    expect(JSON.parse(await readFile(report, 'utf8'))).toMatchObject({ success: true, numPassedTests: 1 });
  });

  it('makes a setting that is checked as its entry says', async () => {
    const { checkSettings } =
      await load<typeof import('../../config/settings/check.ts')>('config/settings/check.ts');
    expect(() => checkSettings(SET)).not.toThrow();
    expect(() => checkSettings({ ...SET, MIDTURN_GREETING: 'x'.repeat(201) })).toThrow(
      /^MIDTURN_GREETING is "x+": it must be one line of at most 200 characters\.$/,
    );
  });

  it('makes a setting that the synth reads, and gives to the function alone that the entry names', async () => {
    const { readProps, settingsFor } =
      await load<typeof import('../../infra/settings.ts')>('infra/settings.ts');
    const { props } = readProps((name) => new Map(Object.entries(SET)).get(name));
    expect(props).toMatchObject({ greeting: 'Hello.' });
    const given = FUNCTION_NAMES.flatMap((name) =>
      settingsFor(name, props).map(({ setting, text }) => `${name}: ${setting.name}=${text}`),
    );
    expect(given.filter((one) => one.includes('GREETING'))).toEqual(['inbound: MIDTURN_GREETING=Hello.']);
  });

  it('makes a setting that the local cloud passes on', async () => {
    const { PASSED_SETTING_NAMES } =
      await load<typeof import('../../config/settings/table.ts')>('config/settings/table.ts');
    expect(PASSED_SETTING_NAMES).toContain('MIDTURN_GREETING');
  });

  it('makes a setting that `npm run settings` writes into the page', async () => {
    const { fillIn } = await load<typeof import('../../config/settings/page.ts')>('config/settings/page.ts');
    const page = await readFile(join(folder, 'docs/settings.md'), 'utf8');
    expect(page).not.toContain('MIDTURN_GREETING');
    expect(await fillIn(page)).toContain(
      '| `MIDTURN_GREETING`<br>`greeting` | Text with which the `connected` message begins. Clients show it when they have connected. | one line of at most 200 characters | none | inbound |',
    );
  });
});
