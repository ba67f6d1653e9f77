import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { delimiter, dirname } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { SettingError } from '../config/settings/setting.ts';
import { clearFailedStack, destroyStack, environmentForEmulator, findEmulator } from './emulator.ts';

const HERE = 'http://127.0.0.1:4566';
const environment = (variables: Record<string, string> = {}) =>
  environmentForEmulator({ AWS_ENDPOINT_URL: HERE, ...variables });

describe('the environment of a deployment to an emulator', () => {
  it('leaves out what an emulator lacks, and goes with the stack', async () => {
    expect(await environment()).toEqual({
      AWS_REGION: 'us-east-1',
      AWS_ENDPOINT_URL: HERE,
      AWS_ENDPOINT_URL_S3: HERE,
      AWS_ACCESS_KEY_ID: 'test',
      AWS_SECRET_ACCESS_KEY: 'test',
      MIDTURN_MODEL: 'demo',
      MIDTURN_AUTH: 'none',
      MIDTURN_AUTHORIZER: 'false',
      MIDTURN_REMOVAL: 'destroy',
      MIDTURN_ALARMS: 'false',
      MIDTURN_NAME_QUEUES: 'true',
      MIDTURN_API_LOGS_ROLE: 'existing',
      MIDTURN_MANAGEMENT_ENDPOINT: `${HERE}/_aws/execute-api/{api}/{stage}`,
      CDK_DISABLE_CLI_TELEMETRY: 'true',
      PATH: `${dirname(process.execPath)}${delimiter}`,
    });
  });

  it('has what is set in the place of that, and takes an empty text for not set', async () => {
    const set = {
      AWS_REGION: 'eu-west-1',
      AWS_ENDPOINT_URL_S3: 'http://127.0.0.1:9000',
      MIDTURN_AUTHORIZER: 'true',
      MIDTURN_MANAGEMENT_ENDPOINT: 'http://127.0.0.1:1/x',
      MIDTURN_ALARMS: 'true',
      AWS_ACCESS_KEY_ID: 'mine',
    };
    const env = await environment({ ...set, MIDTURN_REMOVAL: '', PATH: '/bin' });
    expect(env).toMatchObject({ ...set, MIDTURN_REMOVAL: 'destroy' });
    expect(env.PATH).toBe([dirname(process.execPath), '/bin'].join(delimiter));
    expect(env).not.toHaveProperty('AWS_SECRET_ACCESS_KEY');
    expect(await environment({ AWS_PROFILE: 'mine' })).not.toHaveProperty('AWS_ACCESS_KEY_ID');
  });

  it('never lets the SDK call AWS itself', async () => {
    const env = await environment({ AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: 'true' });
    expect(env).not.toHaveProperty('AWS_IGNORE_CONFIGURED_ENDPOINT_URLS');
  });

  it.each(['jwt', 'tokens'])('has an authorizer where clients prove who they are, by %s', async (auth) => {
    expect(await environment({ MIDTURN_AUTH: auth })).not.toHaveProperty('MIDTURN_AUTHORIZER');
  });

  it.each([
    // The SDK would put a bucket’s name in front of a host’s.
    ['http://localhost:4566//', 'http://localhost:4566', 'http://127.0.0.1:4566'],
    ['http://127.0.0.1:4566/', 'http://127.0.0.1:4566', 'http://127.0.0.1:4566'],
    ['http://[::1]:4566', 'http://[::1]:4566', 'http://[::1]:4566'],
    // A certificate is valid for the name only.
    ['https://localhost:4566', 'https://localhost:4566', 'https://localhost:4566'],
  ])('asks %s for buckets by address: %s, %s', async (given, endpoint, ofBuckets) => {
    expect(await environment({ AWS_ENDPOINT_URL: given })).toMatchObject({
      AWS_ENDPOINT_URL: endpoint,
      AWS_ENDPOINT_URL_S3: ofBuckets,
      MIDTURN_MANAGEMENT_ENDPOINT: `${endpoint}/_aws/execute-api/{api}/{stage}`,
    });
  });

  it.each([
    ['', /^AWS_ENDPOINT_URL is not set/],
    ['localhost:4566', /must be an http\(s\) URL/],
    ['not a URL', /must be an http\(s\) URL/],
    ['ftp://localhost', /must be an http\(s\) URL/],
    ['https://sqs.us-east-1.amazonaws.com', /no host of this machine or of a private network/],
  ])('is none for "%s"', async (AWS_ENDPOINT_URL, complaint) => {
    const find = () => findEmulator({ AWS_ENDPOINT_URL });
    await expect(find).rejects.toThrow(SettingError);
    await expect(find).rejects.toThrow(complaint);
    expect(() => environmentForEmulator({ AWS_ENDPOINT_URL })).toThrow(complaint);
  });
});

describe('a stack of an emulator', () => {
  /** The stack’s state; `undefined`: there is none; a text with spaces: an error that says so. */
  let state: string | undefined;
  let afterDeletion: string | undefined;
  const asked: string[] = [];
  const server = createServer(async (request, response) => {
    const form = new URLSearchParams(await text(request));
    const action = form.get('Action') ?? 'none';
    asked.push(`${action} ${form.get('StackName')}`);
    if (action === 'DeleteStack') state = afterDeletion;
    const isThere = state !== undefined && !state.includes(' ');
    const stack = `<Stacks><member><StackName>n</StackName><StackStatus>${state}</StackStatus><CreationTime>2026-01-01T00:00:00Z</CreationTime></member></Stacks>`;
    const problem = `<Error><Type>Sender</Type><Code>ValidationError</Code><Message>${state ?? 'Stack with id n does not exist'}</Message></Error>`;
    if (action === 'DescribeStacks' && !isThere)
      response.writeHead(400).end(`<ErrorResponse>${problem}</ErrorResponse>`);
    else
      response.end(
        `<${action}Response><${action}Result>${action === 'DescribeStacks' ? stack : ''}</${action}Result></${action}Response>`,
      );
  });
  const environmentBefore = { ...process.env };
  beforeEach(() => {
    state = undefined;
    afterDeletion = undefined;
    asked.length = 0;
    return new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
  afterEach(() => {
    vi.unstubAllEnvs();
    process.env = { ...environmentBefore };
    server.closeAllConnections();
    return new Promise<void>((resolve) => server.close(() => resolve()));
  });
  const found = () =>
    findEmulator({
      AWS_ENDPOINT_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      MIDTURN_STACK_NAME: 'Chat',
      MIDTURN_STAGE: 'dev',
    });

  it.each([
    ['CREATE_FAILED', true],
    ['ROLLBACK_COMPLETE', true],
    ['ROLLBACK_FAILED', true],
    ['DELETE_FAILED', true],
    ['REVIEW_IN_PROGRESS', true],
    ['CREATE_COMPLETE', false],
    ['UPDATE_COMPLETE', false],
    ['UPDATE_ROLLBACK_COMPLETE', false],
    ['UPDATE_ROLLBACK_FAILED', false],
    [undefined, false],
  ])('that is %s is deleted before a deployment: %s', async (is, isDeleted) => {
    const emulator = await found();
    asked.length = 0;
    state = is;
    await clearFailedStack(emulator);
    expect(asked.includes('DeleteStack Chat-dev')).toBe(isDeleted);
    expect(asked[0]).toBe('DescribeStacks Chat-dev');
  });

  it('is destroyed, by its name, and waited for; one that there is not is told', async () => {
    const emulator = await found();
    state = 'CREATE_COMPLETE';
    asked.length = 0;
    expect(await destroyStack(emulator)).toBe(true);
    expect(asked).toEqual(['DescribeStacks Chat-dev', 'DeleteStack Chat-dev', 'DescribeStacks Chat-dev']);
    expect(await destroyStack(emulator)).toBe(false);
  });

  it('that cannot be deleted is one line', async () => {
    const emulator = await found();
    state = 'CREATE_COMPLETE';
    afterDeletion = 'DELETE_FAILED';
    const destroying = destroyStack(emulator);
    await expect(destroying).rejects.toThrow(SettingError);
    await expect(destroying).rejects.toThrow(/^The stack Chat-dev could not be deleted: /);
  });

  it('that cannot be seen for another reason is not taken for one that there is not', async () => {
    const emulator = await found();
    state = 'not allowed';
    await expect(destroyStack(emulator)).rejects.toThrow('not allowed');
    await expect(clearFailedStack(emulator)).rejects.toThrow('not allowed');
  });
});
