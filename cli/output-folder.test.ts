import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { App, Stack } from 'aws-cdk-lib/core';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { temporaryFolder } from '../test/support/temporary-folder.ts';
import { removeOutput } from './output-folder.ts';

/** A project with a source file. */
function givenProject(): string {
  const project = join(temporaryFolder(), 'work', 'project');
  mkdirSync(join(project, 'agent'), { recursive: true });
  writeFileSync(join(project, 'agent', 'agent.ts'), 'export default {};');
  return project;
}

/** What a folder contains, however deep. */
const contents = (folder: string): string[] => readdirSync(folder, { recursive: true }).map(String).sort();

describe('the folder of `midturn synth --output`', () => {
  it('is removed if the CDK wrote it, if an app failed while it wrote it, and if it is empty', async () => {
    const project = givenProject();
    const written = join(project, 'cdk.out');
    // Validating the template takes seconds.
    vi.stubEnv('CDK_VALIDATION', 'false');
    onTestFinished(() => void vi.unstubAllEnvs());
    const app = new App({ outdir: written });
    new Stack(app, 'Theirs');
    app.synth();
    expect(contents(written)).toContain('Theirs.template.json');
    const failed = join(project, 'failed');
    mkdirSync(join(failed, 'asset.0123'), { recursive: true });
    const empty = join(project, 'empty');
    mkdirSync(empty);
    for (const output of [written, failed, empty, join(project, 'none')]) {
      await removeOutput(output, project);
      expect(existsSync(output)).toBe(false);
    }
    expect(contents(project)).toEqual(['agent', 'agent/agent.ts']);
  });

  it.each(['.', '..', '../..'])(
    'is refused as %s, which contains the project, and keeps all',
    async (given) => {
      const project = givenProject();
      // As if the CDK had written into the project itself.
      writeFileSync(join(project, 'cdk.out'), '{"version":"1"}');
      const before = contents(project);
      await expect(removeOutput(resolve(project, given), project)).rejects.toThrow('contains the project');
      expect(contents(project)).toEqual(before);
    },
  );

  it('is refused where the project’s own name begins with two dots', async () => {
    const project = join(temporaryFolder(), '..project');
    mkdirSync(project);
    writeFileSync(join(project, '..', 'cdk.out'), '{"version":"1"}');
    await expect(removeOutput(join(project, '..'), project)).rejects.toThrow('contains the project');
    expect(existsSync(project)).toBe(true);
  });

  it('is refused as a link to the project, and keeps all', async () => {
    const project = givenProject();
    const link = join(temporaryFolder(), 'link');
    symlinkSync(project, link);
    await expect(removeOutput(link, project)).rejects.toThrow('contains the project');
    expect(contents(project)).toEqual(['agent', 'agent/agent.ts']);
  });

  it.each([
    ['a file of somebody’s', 'notes.txt'],
    ['the manifest of a web app', 'manifest.json'],
    ['a project with an output in it', 'cdk.out/cdk.out'],
  ])('is refused with %s in it, and keeps all', async (_what, path) => {
    const project = givenProject();
    const output = join(project, 'theirs');
    mkdirSync(join(output, path, '..'), { recursive: true });
    writeFileSync(join(output, path), '{}');
    const before = contents(project);
    await expect(removeOutput(output, project)).rejects.toMatchObject({
      name: 'SettingError',
      message: expect.stringMatching(/^--output .*theirs has files that the CDK did not write: give another/),
    });
    expect(contents(project)).toEqual(before);
  });

  it('is refused if it is a file, which is kept', async () => {
    const project = givenProject();
    const file = join(project, 'agent', 'agent.ts');
    await expect(removeOutput(file, project)).rejects.toThrow('is no folder');
    expect(existsSync(file)).toBe(true);
  });

  it('is refused by the command, which says so in one line and keeps the project', async () => {
    const project = givenProject();
    writeFileSync(join(project, 'cdk.json'), '{"app":"exit 1"}');
    const before = contents(project);
    const run = promisify(execFile)(
      process.execPath,
      [join(import.meta.dirname, 'synth.ts'), '--output', '.'],
      {
        cwd: project,
        env: { ...process.env, AWS_ENDPOINT_URL: 'http://localhost:4566' },
      },
    );
    await expect(run).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^midturn synth: --output .* contains the project: [^\n]*\n$/),
    });
    expect(contents(project)).toEqual(before);
  });
});
