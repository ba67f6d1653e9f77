import { spawn } from 'node:child_process';
import { lookup } from 'node:dns/promises';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { isIP } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { SettingError } from '../config/settings/setting.ts';
import { LOCAL_DEFAULTS } from '../config/settings/table.ts';

/**
 * `npm run deploy:emulator`: deploys the unchanged stack to the AWS emulator at AWS_ENDPOINT_URL, with the CDK CLI that also
 * deploys to AWS. Arguments are passed on to `cdk bootstrap` and `cdk deploy`.
 */

const root = join(import.meta.dirname, '..');

type Variables = Record<string, string | undefined>;

/** Region and settings for a trial. A variable that is set keeps its value. */
const DEFAULTS = {
  AWS_REGION: 'us-east-1',
  ...LOCAL_DEFAULTS,
  MIDTURN_REMOVAL: 'destroy',
};

/** Path under which LocalStack and compatible emulators serve an API's stage and its management API. */
const STAGE_PATH = '_aws/execute-api/{api}/{stage}';

/** @throws {SettingError} if no emulator answers at AWS_ENDPOINT_URL */
async function findEmulator(variables: Variables): Promise<string> {
  const endpoint = variables.AWS_ENDPOINT_URL;
  if (!endpoint) {
    throw new SettingError(
      'AWS_ENDPOINT_URL is not set: start an AWS emulator and set it to where that answers, e.g. http://localhost:4566.',
    );
  }
  if (!URL.canParse(endpoint) || !/^https?:$/.test(new URL(endpoint).protocol)) {
    throw new SettingError(`AWS_ENDPOINT_URL is "${endpoint}": it must be an http(s) URL.`);
  }
  if (new URL(endpoint).hostname.endsWith('.amazonaws.com')) {
    throw new SettingError(`AWS_ENDPOINT_URL is "${endpoint}": that is AWS; deploy there with cdk deploy.`);
  }
  try {
    await fetch(endpoint, { signal: AbortSignal.timeout(10_000) });
  } catch (error) {
    const { cause } = error as { cause?: { code?: string } };
    throw new SettingError(
      `AWS_ENDPOINT_URL is "${endpoint}": nothing answers there (${cause?.code ?? error}).`,
    );
  }
  return endpoint.replace(/\/+$/, '');
}

/**
 * The same endpoint with the host's IP address. The SDK puts a bucket's name in front of a host name, which then cannot be
 * resolved. With an address, it puts the bucket into the path.
 */
async function byAddress(endpoint: string): Promise<string> {
  const url = new URL(endpoint);
  const host = url.hostname.replace(/^\[|\]$/g, '');
  // A certificate is valid for the name only.
  if (url.protocol === 'https:' || isIP(host)) return endpoint;
  const { address } = await lookup(host, 4);
  url.hostname = address;
  return url.origin;
}

async function environmentFor(endpoint: string, variables: Variables): Promise<Variables> {
  const chosen: Variables = { ...DEFAULTS, ...present(variables) };
  chosen.AWS_ENDPOINT_URL = endpoint;
  chosen.AWS_ENDPOINT_URL_S3 ??= await byAddress(endpoint);
  chosen.MIDTURN_MANAGEMENT_ENDPOINT ??= `${endpoint}/${STAGE_PATH}`;
  if (!chosen.AWS_ACCESS_KEY_ID && !chosen.AWS_PROFILE) {
    chosen.AWS_ACCESS_KEY_ID = 'test';
    chosen.AWS_SECRET_ACCESS_KEY = 'test';
  }
  // With this variable, the SDK would call AWS itself.
  delete chosen.AWS_IGNORE_CONFIGURED_ENDPOINT_URLS;
  chosen.CDK_DISABLE_CLI_TELEMETRY = 'true';
  // `cdk` starts the app as `node`, which must be this Node.
  chosen.PATH = [dirname(process.execPath), chosen.PATH].join(delimiter);
  return chosen;
}

const present = (variables: Variables): Variables =>
  Object.fromEntries(Object.entries(variables).filter(([, value]) => value !== ''));

/** Runs the CDK CLI. Its output goes to standard error, because standard output is for the address. */
async function cdk(args: string[], env: Variables): Promise<void> {
  const cli = join(root, 'node_modules', 'aws-cdk', 'bin', 'cdk');
  const child = spawn(process.execPath, [cli, ...args, '--no-notices'], {
    cwd: root,
    env,
    stdio: ['ignore', 2, 2],
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', resolve);
  });
  if (code !== 0) throw new SettingError(`cdk ${args[0]} failed; its output is above.`);
}

async function main(): Promise<void> {
  const endpoint = await findEmulator(process.env);
  const env = await environmentFor(endpoint, process.env);
  const passedOn = process.argv.slice(2);
  const folder = await mkdtemp(join(tmpdir(), 'midturn-deploy-'));
  try {
    const outputsFile = join(folder, 'outputs.json');
    await cdk(['bootstrap', ...passedOn], env);
    await cdk(
      ['deploy', 'Midturn', '--require-approval', 'never', '--outputs-file', outputsFile, ...passedOn],
      env,
    );
    const outputs: Record<string, Record<string, string>> = JSON.parse(await readFile(outputsFile, 'utf8'));
    // The outputs of the one stack, by its name, which settings change.
    for (const ofStack of Object.values(outputs)) report(endpoint, ofStack);
  } finally {
    await rm(folder, { recursive: true });
  }
}

function report(endpoint: string, { Url, ApiId, StageName }: Record<string, string>): void {
  const socket = endpoint.replace(/^http/, 'ws');
  console.log(`midturn deployed ${Url}`);
  console.log('An emulator serves that under an address of its own, mostly one of:');
  console.log(`  ${socket}/_aws/execute-api/${ApiId}/${StageName}`);
  console.log(`  ${socket}/ws/${ApiId}/${StageName}`);
}

try {
  await main();
} catch (error) {
  if (!(error instanceof SettingError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
