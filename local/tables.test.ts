import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  ThrottlingException,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
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
