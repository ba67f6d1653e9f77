import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TEST_BUNDLES } from '../support/bundles.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { LONG_TEST_MS } from '../support/timeouts.ts';
import { type FakeAws, startFakeAws } from './fake-aws.ts';

const root = join(import.meta.dirname, '..', '..');

/** In place of cdk.json's build, which the CLI runs before every command: the bundles of the test run are built. */
const NO_BUILD = ['--build', 'node --version'];

/** Actions of CloudFormation that make a stack or change it. */
const MAKING = /^(ExecuteChangeSet|CreateStack|UpdateStack|DeleteStack)$/;

interface Run {
  code: number | null;
  stdout: string;
  stderr: string;
}

const SCRIPTS = { deploy: 'infra/deploy-emulator.ts', destroy: 'infra/destroy-emulator.ts' } as const;

/** Runs a command in an environment of its own: no credentials, no region, no setting of this shell. */
async function run(
  script: keyof typeof SCRIPTS,
  variables: Record<string, string>,
  ...args: string[]
): Promise<Run> {
  const child = spawn(process.execPath, [SCRIPTS[script], ...args], {
    cwd: root,
    env: { PATH: process.env.PATH, TMPDIR: process.env.TMPDIR, MIDTURN_BUNDLES: TEST_BUNDLES, ...variables },
  });
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return { code: await exited, stdout, stderr };
}

describe('a deployment to an emulator', () => {
  let fake: FakeAws;
  let folder: string;
  let deployed: Run;

  // By name, as people write it: buckets must not be asked for in front of it.
  const variables = () => ({
    AWS_ENDPOINT_URL: fake.endpoint.replace('127.0.0.1', 'localhost'),
    HOME: folder,
  });
  const deploy = (settings: Record<string, string> = {}) =>
    run('deploy', { ...variables(), ...settings }, '--output', join(folder, 'cdk.out'), ...NO_BUILD);
  const statuses = () =>
    Object.fromEntries([...fake.stacks.byName].map(([name, { status }]) => [name, status]));

  beforeAll(async () => {
    fake = await startFakeAws();
    folder = temporaryFolder();
    deployed = await deploy();
    // Two runs of the CLI and two synths.
  }, LONG_TEST_MS);
  afterAll(() => fake?.close());

  it('ends well, and says where the API is', () => {
    expect(deployed).toMatchObject({ code: 0 });
    expect(deployed.stdout).toMatch(/^midturn deployed wss:\/\/\S+\/prod$/m);
    expect(deployed.stdout).toMatch(/^ {2}ws:\/\/localhost:\d+\/_aws\/execute-api\/\S+\/prod$/m);
  });

  it('bootstraps first, and then makes the stack, without a change set', () => {
    expect([...fake.stacks.byName.keys()]).toEqual(['CDKToolkit', 'Midturn']);
    expect(fake.actions.filter((action) => MAKING.test(action))).toEqual(['ExecuteChangeSet', 'CreateStack']);
    expect(fake.actions).toContain('AmazonSSM.GetParameter');
  });

  it('sends the very template that was synthesized', async () => {
    const synthesized = await readFile(join(folder, 'cdk.out', 'Midturn.template.json'), 'utf8');
    expect(JSON.parse(fake.stacks.byName.get('Midturn')?.templateText ?? '{}')).toEqual(
      JSON.parse(synthesized),
    );
  });

  it('uploads every bundle that the template names, whole', async () => {
    const { Resources = {} } = fake.stacks.byName.get('Midturn')?.template ?? {};
    const functions = Object.values(Resources).filter(({ Type }) => Type === 'AWS::Lambda::Function');
    expect(functions).toHaveLength(6);
    const manifest = JSON.parse(await readFile(join(folder, 'cdk.out', 'Midturn.assets.json'), 'utf8'));
    for (const { Properties } of functions) {
      const { S3Key } = (Properties as { Code: { S3Key: string } }).Code;
      const zip = fake.buckets.objects.get(`cdk-hnb659fds-assets-000000000000-us-east-1/${S3Key}`);
      const { source } = manifest.files[S3Key.replace('.zip', '')];
      expect(namesIn(zip)).toContain('index.mjs');
      expect(source.packaging).toBe('zip');
    }
  });

  it('has functions post through the emulator, and lets the table go with the stack', () => {
    const template = fake.stacks.byName.get('Midturn')?.templateText ?? '';
    expect(template).toMatch(/http:\/\/localhost:\d+\/_aws\/execute-api\//);
    expect(JSON.parse(template).Resources).toEqual(
      expect.objectContaining({
        MidturnTableE69FC276: expect.objectContaining({ DeletionPolicy: 'Delete' }),
      }),
    );
  });

  it('has no alarms and no authorizer, and names its queues', () => {
    const { Resources = {} } = fake.stacks.byName.get('Midturn')?.template ?? {};
    const types = Object.values(Resources).map(({ Type }) => Type);
    expect(types).not.toContain('AWS::CloudWatch::Alarm');
    expect(types).not.toContain('AWS::ApiGatewayV2::Authorizer');
    expect(types).not.toContain('AWS::ApiGateway::Account');
    expect(fake.stacks.byName.get('Midturn')?.templateText).toContain('Midturn-turn.fifo');
  });

  it('can be repeated without changes: nothing is made anew', async () => {
    const before = fake.actions.length;
    expect(await deploy()).toMatchObject({ code: 0, stdout: deployed.stdout });
    // The CDK asks, because the template has a parameter of SSM. CloudFormation finds nothing to update.
    expect(fake.actions.slice(before).filter((action) => MAKING.test(action))).toEqual(['UpdateStack']);
    expect(statuses()).toEqual({ CDKToolkit: 'CREATE_COMPLETE', Midturn: 'CREATE_COMPLETE' });
  });

  it('can be repeated with changes: the stack is updated', async () => {
    expect(await deploy({ MIDTURN_MAX_STEPS: '7' })).toMatchObject({ code: 0, stdout: deployed.stdout });
    expect(statuses()).toEqual({ CDKToolkit: 'CREATE_COMPLETE', Midturn: 'UPDATE_COMPLETE' });
    expect(fake.stacks.byName.get('Midturn')?.templateText).toContain('"MIDTURN_MAX_STEPS": "7"');
  });

  it('can be torn down again, and says so', async () => {
    expect(await run('destroy', variables())).toEqual({
      code: 0,
      stdout: 'The stack Midturn is deleted.\n',
      stderr: '',
    });
    expect([...fake.stacks.byName.keys()]).toEqual(['CDKToolkit']);
    expect(await run('destroy', variables())).toMatchObject({ stdout: 'There is no stack Midturn.\n' });
  });

  it('fails with a failed stack, and can then be repeated over it', async () => {
    const failed = await deploy({ MIDTURN_ALARMS: 'true' });
    expect(failed).toMatchObject({ code: 1, stdout: '' });
    expect(failed.stderr).toContain('cdk deploy failed; its output is above.');
    expect(statuses()).toMatchObject({ Midturn: 'ROLLBACK_COMPLETE' });
    const before = fake.actions.length;
    expect(await deploy()).toMatchObject({ code: 0, stdout: deployed.stdout });
    expect(fake.actions.slice(before).filter((action) => MAKING.test(action))).toEqual([
      'DeleteStack',
      'CreateStack',
    ]);
    expect(statuses()).toMatchObject({ Midturn: 'CREATE_COMPLETE' });
  });
});

describe('without an emulator, one line says', () => {
  const port = async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as AddressInfo;
    await new Promise((resolve) => server.close(resolve));
    return port;
  };

  it.each<[string, () => Promise<Record<string, string>>, RegExp]>([
    ['that none is named', async () => ({}), /^AWS_ENDPOINT_URL is not set: start an AWS emulator/],
    ['what is no address', async () => ({ AWS_ENDPOINT_URL: 'localhost:4566' }), /must be an http\(s\) URL/],
    [
      'that nothing answers',
      async () => ({ AWS_ENDPOINT_URL: `http://127.0.0.1:${await port()}` }),
      /nothing answers there \(ECONNREFUSED\)/,
    ],
    [
      'that AWS is none',
      async () => ({ AWS_ENDPOINT_URL: 'https://cloudformation.us-east-1.amazonaws.com' }),
      /no host of this machine or of a private network; deploy to AWS with cdk deploy/,
    ],
  ])('%s', async (_, variables, complaint) => {
    const failed = await run('deploy', await variables());
    expect(failed).toMatchObject({ code: 1, stdout: '' });
    expect(failed.stderr).toMatch(complaint);
    expect(failed.stderr.trim().split('\n')).toHaveLength(1);
  });
});

/** Names in the directory at a zip's end. */
function namesIn(zip: Buffer | undefined): string[] {
  const names: string[] = [];
  const entry = Buffer.from('PK\x01\x02', 'latin1');
  for (let at = zip?.indexOf(entry) ?? -1; zip && at >= 0; at = zip.indexOf(entry, at + 1)) {
    names.push(zip.toString('utf8', at + 46, at + 46 + zip.readUInt16LE(at + 28)));
  }
  return names;
}
