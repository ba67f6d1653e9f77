import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { TEST_BUNDLES } from '../test/support/bundles.ts';
import { temporaryFolder } from '../test/support/temporary-folder.ts';

const root = join(import.meta.dirname, '..');
const PLAIN = {
  MIDTURN_MODEL_API_KEY: 'sk-never-shown-1',
  MIDTURN_TOKENS: 'never-shown-2=acme/ann',
  MIDTURN_MCP_TOKENS: 'docs=never-shown-3',
};
const SECRETS = {
  MIDTURN_MODEL: 'anthropic:some-model',
  MIDTURN_MODEL_API_KEY_SECRET: 'name-of-the-key',
  MIDTURN_AUTH: 'tokens',
  MIDTURN_TOKENS_SECRET: 'name-of-the-tokens',
  MIDTURN_MCP_TOKENS_SECRET: 'name-of-the-servers-tokens',
};

/** Runs the app as `cdk synth` does. */
async function runApp(settings: Record<string, string>): Promise<{ output: string }> {
  const output = temporaryFolder();
  await promisify(execFile)(process.execPath, ['infra/app.ts'], {
    cwd: root,
    env: {
      PATH: process.env.PATH,
      TMPDIR: process.env.TMPDIR,
      MIDTURN_BUNDLES: TEST_BUNDLES,
      ...settings,
      CDK_OUTDIR: output,
      CDK_VALIDATION: 'false',
    },
  });
  return { output };
}

async function filesOf(folder: string): Promise<{ path: string; text: string }[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return Promise.all(
    entries
      .filter((entry) => entry.isFile())
      .map(async (entry) => {
        const path = join(entry.parentPath, entry.name);
        return { path, text: await readFile(path, 'latin1') };
      }),
  );
}

describe('a key and tokens', () => {
  it('are in no deployed file, even if the shell that deploys has them', async () => {
    const { output } = await runApp({ ...SECRETS, ...PLAIN });
    const files = await filesOf(output);
    // The template and all six bundles, or there was nothing to search.
    expect(files.filter(({ path }) => path.endsWith('index.mjs'))).toHaveLength(6);
    const template = files.find(({ path }) => path.endsWith('Midturn.template.json'));
    expect(template?.text).toContain('name-of-the-key');
    expect(template?.text).toContain('name-of-the-tokens');
    expect(template?.text).toContain('name-of-the-servers-tokens');
    for (const value of ['sk-never-shown-1', 'never-shown-2', 'never-shown-3']) {
      expect(files.filter(({ text }) => text.includes(value)).map(({ path }) => path)).toEqual([]);
    }
  });

  it('stop the synth in one line if no secret is named instead', async () => {
    const failed = await runApp({ MIDTURN_MODEL: 'demo', MIDTURN_AUTH: 'tokens', ...PLAIN }).catch(
      (error: { stderr: string }) => error,
    );
    expect(failed).toMatchObject({
      stderr:
        'MIDTURN_MODEL_API_KEY is for the local cloud: on deploy, name a Secrets Manager secret with MIDTURN_MODEL_API_KEY_SECRET.\n',
    });
  });
});
