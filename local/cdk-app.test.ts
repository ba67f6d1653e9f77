import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../test/support/temporary-folder.ts';
import { deploymentOf, localContext, readCdkJson, runCdkApp } from './cdk-app.ts';
import { LocalCloudError } from './errors.ts';

describe('cdk.json', () => {
  const read = async (text: string) => {
    const folder = temporaryFolder();
    await writeFile(join(folder, 'cdk.json'), text);
    return readCdkJson(folder);
  };

  it('names the app, and what it is told', async () => {
    expect(await read('{"app":"node a.js","context":{"a":1},"other":2}')).toEqual({
      app: 'node a.js',
      context: { a: 1 },
    });
    expect(await read('{"app":"node a.js"}')).toEqual({ app: 'node a.js', context: {} });
  });

  it.each([
    ['{', 'cdk.json: '],
    ['{"app":""}', 'cdk.json has no "app"'],
    ['{"app":5}', 'cdk.json has no "app"'],
    ['null', 'cdk.json has no "app"'],
  ])('is refused where it is %s', async (text, why) => {
    const refused = read(text);
    await expect(refused).rejects.toBeInstanceOf(LocalCloudError);
    await expect(refused).rejects.toThrow(why);
  });

  it('that is missing says how an app is made', async () => {
    await expect(readCdkJson(temporaryFolder())).rejects.toThrow(
      'this is no CDK app. midturn init makes one',
    );
  });
});

describe('an app', () => {
  const run = (script: string, app?: string) => {
    const folder = temporaryFolder();
    return runCdkApp({
      folder,
      app: app ?? [process.execPath, '--input-type=module', '-e', script],
      context: { a: { b: 'é' } },
      output: folder,
      environment: { PATH: process.env.PATH, MINE: 'mine', CDK_OUTDIR: 'elsewhere' },
    });
  };
  const WRITES = `
    import { mkdirSync, writeFileSync } from 'node:fs';
    const { CDK_OUTDIR, CDK_CONTEXT_JSON, CDK_VALIDATION, MINE, HOME } = process.env;
    mkdirSync(CDK_OUTDIR + '/assembly-Prod');
    writeFileSync(CDK_OUTDIR + '/assembly-Prod/One.template.json', 'nested');
    writeFileSync(CDK_OUTDIR + '/One.assets.json', 'no template');
    const told = [CDK_CONTEXT_JSON, CDK_VALIDATION, MINE, HOME ?? null, process.cwd() === CDK_OUTDIR];
    writeFileSync(CDK_OUTDIR + '/One.template.json', JSON.stringify(told));`;

  it('is run in its folder, with the context and this environment alone; its templates are read, also nested ones', async () => {
    const templates = await run(WRITES);
    expect([...templates.keys()].toSorted()).toEqual(['One', join('assembly-Prod', 'One')]);
    expect(templates.get(join('assembly-Prod', 'One'))).toBe('nested');
    expect(JSON.parse(templates.get('One') ?? '')).toEqual(['{"a":{"b":"é"}}', 'false', 'mine', null, true]);
  });

  it('may be a line for a shell', async () => {
    expect([...(await run('', 'echo x > "$CDK_OUTDIR/$MINE.template.json"'))]).toEqual([['mine', 'x\n']]);
  });

  it.each([
    ["console.error('  why\\n'); process.exit(3)", 'why'],
    ['process.exit(3)', `${process.execPath} ended with exit code 3.`],
  ])('that fails is an error with what it said: %s', async (script, said) => {
    await expect(run(script)).rejects.toEqual(new LocalCloudError(said));
  });
});

it('an app is told of the local cloud, and that it keeps its assets where they are', () => {
  expect(localContext({ A: 'b' })).toEqual({
    'midturn:local': { A: 'b' },
    'aws:cdk:enable-asset-metadata': true,
    'aws:cdk:disable-asset-staging': true,
  });
});

describe('a stack', () => {
  it.each([
    ['aws://123456789012/eu-west-1', 'mine', { account: '123456789012', region: 'eu-west-1' }],
    ['aws://unknown-account/eu-west-1', undefined, { region: 'eu-west-1' }],
    ['aws://123456789012/unknown-region', undefined, { account: '123456789012' }],
    ['aws://unknown-account/unknown-region', undefined, {}],
    [undefined, undefined, {}],
  ])('is deployed where the app says: %s as %s', async (environment, stackName, where) => {
    const output = temporaryFolder();
    await mkdir(join(output, 'assembly-Prod'));
    const artifacts = {
      Shop: { environment, ...(stackName !== undefined && { properties: { stackName } }) },
    };
    for (const folder of [output, join(output, 'assembly-Prod')])
      await writeFile(join(folder, 'manifest.json'), JSON.stringify({ artifacts }));
    const expected = { stackName: stackName ?? 'Shop', ...where };
    expect(await deploymentOf(output, 'Shop')).toEqual(expected);
    expect(await deploymentOf(output, 'assembly-Prod/Shop')).toEqual(expected);
    expect(await deploymentOf(output, 'Other')).toEqual({ stackName: 'Other' });
  });
});
