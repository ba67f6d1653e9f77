import { once } from 'node:events';
import { DynamoDBClient, ScanCommand } from '@aws-sdk/client-dynamodb';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { temporaryFolder } from '../test/support/temporary-folder.ts';
import { type LocalCloud, type LocalCloudOptions, startLocalCloud } from './cloud.ts';
import { buildEchoApp } from './fixtures/build.ts';

let bundles: string;
const clouds: LocalCloud[] = [];

beforeAll(async () => {
  bundles = await buildEchoApp();
});

afterEach(async () => {
  await Promise.all(clouds.splice(0).map((cloud) => cloud.close()));
});

async function start(options: LocalCloudOptions = {}): Promise<LocalCloud> {
  const cloud = await startLocalCloud({ bundles, ...options });
  clouds.push(cloud);
  return cloud;
}

async function connect({ url }: LocalCloud): Promise<{ socket: WebSocket; frames: string[] }> {
  const socket = new WebSocket(`${url}?token=someone`);
  const frames: string[] = [];
  socket.on('message', (data) => frames.push(String(data)));
  await once(socket, 'open');
  return { socket, frames };
}

async function openConnections({ dynamodb }: LocalCloud): Promise<number> {
  const client = new DynamoDBClient({
    endpoint: dynamodb.endpoint,
    region: 'us-east-1',
    credentials: dynamodb.credentials,
  });
  const { Items = [] } = await client.send(new ScanCommand({ TableName: dynamodb.tableName }));
  return Items.length;
}

describe('the local cloud runs the template', () => {
  it('from a frame through route, function, FIFO queue and event source back to the connection', async () => {
    const cloud = await start();
    const { socket, frames } = await connect(cloud);
    for (const content of ['one', 'two', 'three']) socket.send(JSON.stringify({ type: 'message', content }));
    await expect.poll(() => frames.toSorted()).toEqual(['ONE', 'THREE', 'TWO']);
    expect(await openConnections(cloud)).toBe(1);
    socket.close();
    await expect.poll(() => openConnections(cloud)).toBe(0);
  });

  it('with its authorizer before the connection', async () => {
    const { url } = await start();
    const socket = new WebSocket(url);
    const [error] = await once(socket, 'error');
    expect(String(error)).toContain('403');
  });

  it('with the environment of each function from the template alone', async () => {
    const cloud = await start({ settings: { MIDTURN_MAX_STEPS: '3' } });
    expect(cloud.functions.list().map(({ name }) => name)).toEqual([
      'authorizer',
      'connection',
      'inbound',
      'turn',
      'deadline',
      'redrive',
    ]);
    expect(await cloud.functions.invoke('deadline', {})).toMatchObject({
      AWS_LAMBDA_FUNCTION_NAME: expect.stringContaining('Deadline'),
      MIDTURN_MANAGEMENT_ENDPOINT: cloud.managementEndpoint,
      MIDTURN_TABLE_NAME: cloud.dynamodb.tableName,
      AWS_ENDPOINT_URL: new URL(cloud.pageUrl).origin,
    });
    expect(await cloud.functions.invoke('redrive', {})).not.toHaveProperty('MIDTURN_TABLE_NAME');
  });

  it('with a Bedrock of one’s own behind the same address, if there is one', async () => {
    const without = await start();
    const variables = await without.functions.invoke('deadline', {});
    expect(variables).not.toHaveProperty('AWS_ENDPOINT_URL_BEDROCK_RUNTIME');
    const cloud = await start({ settings: { AWS_ENDPOINT_URL_BEDROCK_RUNTIME: 'http://127.0.0.1:9' } });
    expect(await cloud.functions.invoke('deadline', {})).toMatchObject({
      AWS_ENDPOINT_URL_BEDROCK_RUNTIME: new URL(cloud.pageUrl).origin,
    });
  });

  it('and goes on when the environment of a turn is killed', async () => {
    const cloud = await start();
    const { socket, frames } = await connect(cloud);
    socket.send(JSON.stringify({ type: 'message', content: 'one' }));
    await expect.poll(() => frames).toEqual(['ONE']);
    const turns = () => cloud.functions.list().find(({ name }) => name === 'turn')?.environments ?? [];
    // Its invocation ends a moment after its post; killed before that, its message would come once more.
    await expect.poll(() => turns().map(({ state }) => state)).toEqual(['idle']);
    const [environment] = turns();
    expect(await cloud.functions.kill(environment?.id ?? '')).toBe(true);
    socket.send(JSON.stringify({ type: 'message', content: 'two' }));
    await expect.poll(() => frames).toEqual(['ONE', 'TWO']);
  });
});

describe('what cannot start says why', () => {
  it('when the port is taken', async () => {
    const { pageUrl } = await start();
    const port = Number(new URL(pageUrl).port);
    await expect(startLocalCloud({ bundles, port })).rejects.toThrow(`Port ${port} is in use`);
  });

  it('when the data folder is taken', async () => {
    const dataDir = temporaryFolder();
    const first = await start({ dataDir });
    await expect(startLocalCloud({ bundles, dataDir })).rejects.toThrow('is in use by another local cloud');
    await first.close();
    await start({ dataDir });
  });

  it('when a setting cannot be', async () => {
    await expect(startLocalCloud({ bundles, settings: { MIDTURN_AUTH: 'maybe' } })).rejects.toThrow(
      'MIDTURN_AUTH is "maybe"',
    );
  });

  it('when the app itself refuses', async () => {
    await expect(startLocalCloud({ bundles, settings: { MIDTURN_REMOVAL: 'perhaps' } })).rejects.toThrow(
      /^MIDTURN_REMOVAL is "perhaps": it must be retain or destroy\.$/,
    );
  });
});
