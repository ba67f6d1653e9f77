import { spawn } from 'node:child_process';
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { delimiter, dirname, join } from 'node:path';
import {
  CloudFormationClient,
  DeleteStackCommand,
  DescribeStacksCommand,
  waitUntilStackDeleteComplete,
} from '@aws-sdk/client-cloudformation';
import { isEmulator } from '../config/settings/emulator.ts';
import { SettingError } from '../config/settings/setting.ts';
import { LOCAL_DEFAULTS } from '../config/settings/table.ts';
import { stackNameOf } from './stack-name.ts';

/** What `npm run deploy:emulator` and `npm run destroy:emulator` have in common. */

const root = join(import.meta.dirname, '..');

type Variables = Record<string, string | undefined>;

/** Path under which LocalStack and compatible emulators serve an API's stage and its management API. */
const STAGE_PATH = '_aws/execute-api/{api}/{stage}';

/** Region and settings for a trial. A variable that is set keeps its value. docs/emulators.md says why each is there. */
const DEFAULTS: Readonly<Record<string, string>> = {
  AWS_REGION: 'us-east-1',
  ...LOCAL_DEFAULTS,
  MIDTURN_REMOVAL: 'destroy',
  MIDTURN_ALARMS: 'false',
  MIDTURN_NAME_QUEUES: 'true',
  MIDTURN_API_LOGS_ROLE: 'existing',
};

export interface Emulator {
  /** Without a slash at its end. */
  endpoint: string;
  /** The stack's name, as settings make it. */
  stack: string;
  /** For the CDK's command line and the SDK: endpoint, region, credentials and settings. */
  env: Variables;
}

/** @throws {SettingError} if no emulator answers at AWS_ENDPOINT_URL */
export async function findEmulator(variables: Variables): Promise<Emulator> {
  const endpoint = emulatorEndpoint(variables);
  try {
    await fetch(endpoint, { signal: AbortSignal.timeout(10_000) });
  } catch (error) {
    const { cause } = error as { cause?: { code?: string } };
    throw new SettingError(
      `AWS_ENDPOINT_URL is "${endpoint}": nothing answers there (${cause?.code ?? error}).`,
    );
  }
  const env = await environmentFor(endpoint, variables);
  return { endpoint, env, stack: stackNameOf((name) => env[name]) };
}

/** Environment in which an app is synthesized for the emulator at AWS_ENDPOINT_URL. @throws {SettingError} if it names none */
export const environmentForEmulator = (variables: Variables): Promise<Variables> =>
  environmentFor(emulatorEndpoint(variables), variables);

/** Without a slash at its end. @throws {SettingError} */
function emulatorEndpoint(variables: Variables): string {
  const url = variables.AWS_ENDPOINT_URL;
  if (!url) {
    throw new SettingError(
      'AWS_ENDPOINT_URL is not set: start an AWS emulator and set it to where that answers, e.g. http://localhost:4566.',
    );
  }
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) {
    throw new SettingError(`AWS_ENDPOINT_URL is "${url}": it must be an http(s) URL.`);
  }
  if (!isEmulator(url)) {
    throw new SettingError(
      `AWS_ENDPOINT_URL is "${url}": that is no host of this machine or of a private network; deploy to AWS with cdk deploy.`,
    );
  }
  return url.replace(/\/+$/, '');
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
  // Where clients prove who they are, only an authorizer can say it.
  if (chosen.MIDTURN_AUTH === 'none') chosen.MIDTURN_AUTHORIZER ??= 'false';
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
export async function cdk({ env }: Emulator, args: string[]): Promise<void> {
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

/** States of a stack that was never there as a whole, or is half deleted: CloudFormation updates none of them. */
const NOT_UPDATABLE = /^(CREATE_FAILED|ROLLBACK_COMPLETE|ROLLBACK_FAILED|DELETE_FAILED|REVIEW_IN_PROGRESS)$/;

/** Deletes what a failed deployment left. The CDK's command line would, but by an id that not every emulator knows. */
export async function clearFailedStack(emulator: Emulator): Promise<void> {
  await withStack(emulator, async (stack) => {
    const status = await stack.status();
    if (status && NOT_UPDATABLE.test(status)) await stack.remove();
  });
}

/** @returns whether there was a stack */
export const destroyStack = (emulator: Emulator): Promise<boolean> =>
  withStack(emulator, async (stack) => {
    if (!(await stack.status())) return false;
    await stack.remove();
    return true;
  });

interface EmulatedStack {
  /** Undefined if there is none. */
  status(): Promise<string | undefined>;
  remove(): Promise<void>;
}

/** By its name, which every emulator knows. */
async function withStack<T>(
  { env, stack: StackName }: Emulator,
  use: (stack: EmulatedStack) => Promise<T>,
): Promise<T> {
  // The SDK reads endpoint, region and credentials from the environment.
  Object.assign(process.env, env);
  const client = new CloudFormationClient({});
  try {
    return await use({
      async status() {
        try {
          const { Stacks = [] } = await client.send(new DescribeStacksCommand({ StackName }));
          return Stacks[0]?.StackStatus;
        } catch (error) {
          // CloudFormation has no error of its own for a stack that is not there.
          if (error instanceof Error && /does not exist/.test(error.message)) return undefined;
          throw error;
        }
      },
      async remove() {
        await client.send(new DeleteStackCommand({ StackName }));
        await waitUntilStackDeleteComplete(
          { client, maxWaitTime: 300, minDelay: 1, maxDelay: 5 },
          { StackName },
        ).catch((error: Error) => {
          throw new SettingError(`The stack ${StackName} could not be deleted: ${error.message}`);
        });
      },
    });
  } finally {
    client.destroy();
  }
}

/** Ends the process with one line for a fault of its user. */
export async function run(main: () => Promise<void>): Promise<void> {
  try {
    await main();
  } catch (error) {
    if (!(error instanceof SettingError)) throw error;
    console.error(error.message);
    process.exitCode = 1;
  }
}
