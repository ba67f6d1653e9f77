import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  DeleteItemCommand,
  DeleteTableCommand,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  ScanCommand,
  ThrottlingException,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { startTables, type TableServer } from './tables.ts';
import { readStack } from './template/stack.ts';

const TEMPLATE = {
  Resources: {
    Table: {
      Type: 'AWS::DynamoDB::Table',
      Properties: {
        BillingMode: 'PAY_PER_REQUEST',
        KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
        AttributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' }],
      },
    },
  },
};
const WRITES = 20;

it('what was asked before it closes is carried out and answered, what comes later is refused', async () => {
  const tables = await startTables(undefined, () => {});
  const stack = readStack(TEMPLATE, { sqsEndpoint: 'http://127.0.0.1:9' });
  await tables.create(stack);
  const [table] = stack.ofType('AWS::DynamoDB::Table');
  const TableName = table && stack.ref(table);
  let came = 0;
  let closed = Promise.resolve();
  const entrance = createServer((request, response) => {
    tables.handle(request, response);
    came += 1;
    if (came === WRITES / 2) closed = tables.close();
  });
  await new Promise<void>((resolve) => entrance.listen(0, '127.0.0.1', resolve));
  const { port } = entrance.address() as AddressInfo;
  const client = new DynamoDBClient({
    endpoint: `http://127.0.0.1:${port}`,
    region: 'us-east-1',
    credentials: tables.credentials,
    maxAttempts: 1,
  });
  const put = (n: number) =>
    client
      .send(new PutItemCommand({ TableName, Item: { pk: { S: `thing-${n}` } } }))
      .then(() => 200)
      .catch((error: { $metadata?: { httpStatusCode?: number } }) => error.$metadata?.httpStatusCode);
  const statuses = await Promise.all(Array.from({ length: WRITES }, (_, n) => put(n)));
  await closed;
  client.destroy();
  await new Promise((resolve) => entrance.close(resolve));
  expect(statuses.filter((status) => status === 200)).toHaveLength(WRITES / 2);
  expect(statuses.filter((status) => status === 503)).toHaveLength(WRITES / 2);
});

describe('what DynamoDB refuses and dynalite does not', () => {
  let tables: TableServer;
  let client: DynamoDBClient;
  let TableName: string;

  beforeAll(async () => {
    tables = await startTables(undefined, () => {});
    const stack = readStack(TEMPLATE, { sqsEndpoint: 'http://127.0.0.1:9' });
    await tables.create(stack);
    TableName = stack.ofType('AWS::DynamoDB::Table').map((table) => stack.ref(table))[0] ?? '';
    client = new DynamoDBClient({
      endpoint: tables.endpoint,
      region: 'us-east-1',
      credentials: tables.credentials,
      maxAttempts: 1,
    });
  });
  afterAll(async () => {
    client.destroy();
    await tables.close();
  });

  it('an expression that is too long, before it changes anything', async () => {
    const names = Object.fromEntries(Array.from({ length: 400 }, (_, n) => [`#name${n}`, `attribute${n}`]));
    const update = new UpdateItemCommand({
      TableName,
      Key: { pk: { S: 'long' } },
      UpdateExpression: `SET ${Object.keys(names)
        .map((name) => `${name} = :v`)
        .join(', ')}`,
      ExpressionAttributeNames: names,
      ExpressionAttributeValues: { ':v': { N: '1' } },
    });
    await expect(client.send(update)).rejects.toMatchObject({
      name: 'ValidationException',
      message: expect.stringMatching(/^Invalid UpdateExpression: Expression size has exceeded/),
    });
    const { Item } = await client.send(new GetItemCommand({ TableName, Key: { pk: { S: 'long' } } }));
    expect(Item).toBeUndefined();
  });

  it('a body that is no JSON', async () => {
    const entrance = createServer((request, response) => tables.handle(request, response));
    await new Promise<void>((resolve) => entrance.listen(0, '127.0.0.1', resolve));
    const { port } = entrance.address() as AddressInfo;
    const answer = await fetch(`http://127.0.0.1:${port}`, { method: 'POST', body: '{' });
    expect([answer.status, await answer.json()]).toEqual([
      400,
      expect.objectContaining({ __type: 'com.amazon.coral.service#SerializationException' }),
    ]);
    entrance.closeAllConnections();
    await new Promise((resolve) => entrance.close(resolve));
  });

  const Key = { pk: { S: 'each' } };
  it.each([
    ['PutItem', () => new PutItemCommand({ TableName, Item: Key })],
    ['UpdateItem', () => new UpdateItemCommand({ TableName, Key })],
    ['DeleteItem', () => new DeleteItemCommand({ TableName, Key })],
  ] as const)(
    'a %s to a partition that has had too many writes, of which some failed their condition',
    async (_, command) => {
      const failing = { TableName, Item: Key, ConditionExpression: 'attribute_exists(nothing)' };
      const counts = tables.limitWrites(1);
      try {
        const failed = Array.from({ length: 5 }, () => client.send(new PutItemCommand(failing)));
        for (const { status } of await Promise.allSettled(failed)) expect(status).toBe('rejected');
        await expect(client.send(command() as PutItemCommand)).rejects.toThrow(ThrottlingException);
        expect(counts.refused).toBeGreaterThan(0);
      } finally {
        tables.limitWrites(Number.POSITIVE_INFINITY);
      }
    },
  );

  it('more writes to one partition than it takes', async () => {
    const put = (pk: string, bytes = 0) =>
      client.send(new PutItemCommand({ TableName, Item: { pk: { S: pk }, text: { S: 'x'.repeat(bytes) } } }));
    tables.limitWrites(20);
    try {
      await put('hot', 100 * 1024);
      await expect(put('hot')).rejects.toThrow(ThrottlingException);
      await put('cold');
      await client.send(new GetItemCommand({ TableName, Key: { pk: { S: 'hot' } } }));
    } finally {
      tables.limitWrites(Number.POSITIVE_INFINITY);
    }
    await put('hot');
  });
});

it('each minute, half of what has expired is removed; what cannot be removed is in the log, and the end stops it', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  onTestFinished(() => void vi.useRealTimers());
  const logs: string[] = [];
  const tables = await startTables(undefined, ({ text }) => logs.push(text));
  const { Table } = TEMPLATE.Resources;
  const TimeToLiveSpecification = { AttributeName: 'expires', Enabled: true };
  const Properties = { ...Table.Properties, TimeToLiveSpecification };
  const stack = readStack({ Resources: { Table: { ...Table, Properties } } }, { sqsEndpoint: '' });
  await tables.create(stack);
  const TableName = stack.ofType('AWS::DynamoDB::Table').map((table) => stack.ref(table))[0] ?? '';
  const { endpoint, credentials } = tables;
  const client = new DynamoDBClient({ endpoint, region: 'us-east-1', credentials });
  const now = Math.floor(Date.now() / 1000);
  const items = { past1: now - 10, past2: now - 10, past3: now - 10, soon: now + 600 };
  for (const [pk, expires] of Object.entries(items))
    await client.send(
      new PutItemCommand({ TableName, Item: { pk: { S: pk }, expires: { N: String(expires) } } }),
    );
  const left = async () => (await client.send(new ScanCommand({ TableName }))).Count;
  for (const count of [2, 1]) {
    vi.advanceTimersToNextTimer();
    await expect.poll(left).toBe(count);
  }
  await client.send(new DeleteTableCommand({ TableName }));
  vi.advanceTimersToNextTimer();
  await expect.poll(() => logs).toEqual([expect.stringContaining('Expired items stay')]);
  client.destroy();
  await tables.close();
  expect(vi.getTimerCount()).toBe(0);
});
