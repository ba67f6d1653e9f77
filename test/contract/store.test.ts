import type { AddressInfo } from 'node:net';
import { CreateTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import dynalite from 'dynalite';
import { afterAll, beforeAll, describe } from 'vitest';
import { dynamoStore } from '../../aws/dynamodb/store.ts';
import { memoryStore } from '../../core/testing/memory-store.ts';
import { cases } from '../support/sample.ts';
import { tableSchema } from '../support/table-schema.ts';
import type { StoreUnderTest } from './store.contract.ts';
import { sameBehaviour, storeContract } from './store.contract.ts';

async function startDynamo(): Promise<StoreUnderTest> {
  const server = dynalite({ createTableMs: 0 });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const config = {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  };
  const admin = new DynamoDBClient(config);
  await admin.send(
    new CreateTableCommand({
      TableName: 'midturn',
      ...tableSchema(),
    }),
  );
  return {
    store: dynamoStore('midturn', config),
    async close() {
      admin.destroy();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

storeContract('in memory', async () => ({ store: memoryStore(), close: async () => {} }));
storeContract('DynamoDB', startDynamo);

describe('both stores', () => {
  const memory = memoryStore();
  let dynamo: StoreUnderTest;
  beforeAll(async () => {
    dynamo = await startDynamo();
  });
  afterAll(() => dynamo.close());
  sameBehaviour(
    () => memory,
    () => dynamo.store,
    cases(300),
  );
});
