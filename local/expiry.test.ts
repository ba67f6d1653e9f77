import {
  DeleteItemCommand,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  ScanCommand,
} from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { tableSchema } from '../test/support/table-schema.ts';
import { removeExpired } from './expiry.ts';
import { startTables, type TableServer } from './tables.ts';
import { readStack } from './template/stack.ts';

const TableName = 'Midturn-Table';
const TABLE = { name: TableName, keys: ['pk', 'sk'], attribute: 'expires' };
const key = (pk: string, sk: string) => ({ pk: { S: pk }, sk: { S: sk } });

let tables: TableServer;
let client: DynamoDBClient;

beforeAll(async () => {
  tables = await startTables(undefined, () => {});
  await tables.create(
    readStack(
      {
        Resources: {
          Table: {
            Type: 'AWS::DynamoDB::Table',
            Properties: {
              ...tableSchema(),
              TimeToLiveSpecification: { AttributeName: 'expires', Enabled: true },
            },
          },
        },
      },
      { sqsEndpoint: '' },
    ),
  );
  client = new DynamoDBClient({
    endpoint: tables.endpoint,
    region: 'us-east-1',
    credentials: tables.credentials,
  });
});
afterAll(async () => {
  client.destroy();
  await tables.close();
});

const put = (pk: string, sk: string, expires?: number) =>
  client.send(
    new PutItemCommand({
      TableName,
      Item: { ...key(pk, sk), ...(expires !== undefined && { expires: { N: String(expires) } }) },
    }),
  );

async function left(pk: string): Promise<(string | undefined)[]> {
  const { Items = [] } = await client.send(
    new ScanCommand({
      TableName,
      FilterExpression: 'pk = :pk',
      ExpressionAttributeValues: { ':pk': { S: pk } },
    }),
  );
  return Items.map(({ sk }) => sk?.S).toSorted();
}

it('what has expired is removed, and nothing else', async () => {
  const items = [
    put('one', 'past', 99),
    put('one', 'now', 100),
    put('one', 'future', 101),
    put('one', 'forever'),
  ];
  await Promise.all(items);
  expect(await removeExpired(client, TABLE, 100, (expired) => expired)).toBe(1);
  expect(await left('one')).toEqual(['forever', 'future', 'now']);
});

it('items that belong together are removed one by one, in no order, and are read until then', async () => {
  const names = Array.from({ length: 8 }, (_, n) => `ENTRY#${n}`);
  const orders = new Set<string>();
  for (let round = 0; round < 8; round++) {
    await Promise.all(names.map((sk) => put('session', sk, 100 + round)));
    const { Item } = await client.send(new GetItemCommand({ TableName, Key: key('session', 'ENTRY#0') }));
    expect(Item).toBeDefined();
    const order: string[] = [];
    for (let rest = names; rest.length > 0; ) {
      expect(await removeExpired(client, TABLE, 200, () => 1)).toBe(1);
      const now = await left('session');
      order.push(...rest.filter((name) => !now.includes(name)));
      rest = rest.filter((name) => now.includes(name));
    }
    orders.add(order.join());
  }
  expect(orders.size).toBeGreaterThan(1);
});

/** The client, which does something else before it removes an item. */
const beforeRemoval = (first: () => Promise<unknown>) =>
  ({
    async send(command: ScanCommand) {
      if ((command as unknown) instanceof DeleteItemCommand) await first();
      return client.send(command);
    },
  }) as unknown as DynamoDBClient;

it('an item whose expiry was moved after it was found stays, and is not counted', async () => {
  await put('moved', 'a', 100);
  const moving = beforeRemoval(() => put('moved', 'a', 300));
  expect(await removeExpired(moving, TABLE, 200, () => 1)).toBe(0);
  expect(await left('moved')).toEqual(['a']);
});

it('a removal that fails is an error', async () => {
  await put('failing', 'a', 100);
  const failing = beforeRemoval(() => Promise.reject(new Error('throttled')));
  await expect(removeExpired(failing, TABLE, 200, () => 1)).rejects.toThrow('throttled');
  expect(await removeExpired(client, TABLE, 200, () => 1)).toBe(1);
});

it('what has expired is found on every page of a scan, which has 1 MB', async () => {
  const names = Array.from({ length: 8 }, (_, n) => `LARGE#${n}`);
  for (const sk of names) {
    const large = { S: 'x'.repeat(300_000) };
    await client.send(
      new PutItemCommand({ TableName, Item: { ...key('large', sk), expires: { N: '100' }, large } }),
    );
  }
  expect(await removeExpired(client, TABLE, 200, (expired) => expired)).toBeGreaterThanOrEqual(8);
  expect(await left('large')).toEqual([]);
});
