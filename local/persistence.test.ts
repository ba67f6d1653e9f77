import { randomUUID } from 'node:crypto';
import { DynamoDBClient, GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { GetQueueAttributesCommand, ReceiveMessageCommand, SendMessageCommand } from '@aws-sdk/client-sqs';
import { beforeEach, describe, expect, it } from 'vitest';
import { tableSchema } from '../test/support/table-schema.ts';
import { temporaryFolder } from '../test/support/temporary-folder.ts';
import { startQueues } from './queues.ts';
import { startTables } from './tables.ts';
import { readStack, type Stack } from './template/stack.ts';

let folder: string;
const quiet = () => {};

beforeEach(() => {
  folder = temporaryFolder();
});

function stackOf(sqsEndpoint: string, visibility = 1): Stack {
  return readStack(
    {
      Resources: {
        Table: {
          Type: 'AWS::DynamoDB::Table',
          Properties: {
            ...tableSchema(),
            TimeToLiveSpecification: { AttributeName: 'expires', Enabled: true },
          },
        },
        Turns: { Type: 'AWS::SQS::Queue', Properties: { FifoQueue: true, VisibilityTimeout: visibility } },
      },
    },
    { sqsEndpoint },
  );
}

const TableName = 'Midturn-Table';
const key = (pk: string) => ({ pk: { S: pk }, sk: { S: '-' } });

describe('with a data folder', () => {
  it('items outlive a restart', async () => {
    const before = await startTables(folder, quiet);
    await before.create(stackOf(''));
    const writer = new DynamoDBClient({
      endpoint: before.endpoint,
      region: 'us-east-1',
      credentials: before.credentials,
    });
    await writer.send(new PutItemCommand({ TableName, Item: { ...key('a'), text: { S: 'kept' } } }));
    await before.close();

    const after = await startTables(folder, quiet);
    await after.create(stackOf(''));
    const reader = new DynamoDBClient({
      endpoint: after.endpoint,
      region: 'us-east-1',
      credentials: after.credentials,
    });
    const { Item } = await reader.send(new GetItemCommand({ TableName, Key: key('a') }));
    expect(Item?.text).toEqual({ S: 'kept' });
    await after.close();
  });

  it('messages outlive a restart, also those in flight, and settings of the queue may change', async () => {
    const before = await startQueues(folder, quiet);
    const old = stackOf(before.endpoint);
    await before.create(old);
    const [queue] = old.ofType('AWS::SQS::Queue');
    const QueueUrl = queue && old.ref(queue);
    for (const MessageBody of ['in flight', 'waiting']) {
      await before.client.send(
        new SendMessageCommand({
          QueueUrl,
          MessageBody,
          MessageGroupId: MessageBody.replace(' ', '-'),
          MessageDeduplicationId: randomUUID(),
        }),
      );
    }
    await before.client.send(new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 1 }));
    await before.close();

    const after = await startQueues(folder, quiet);
    const young = stackOf(after.endpoint, 7);
    await after.create(young);
    const [again] = young.ofType('AWS::SQS::Queue');
    const url = again && young.ref(again);
    const bodies = new Set<string | undefined>();
    await expect
      .poll(async () => {
        const { Messages = [] } = await after.client.send(
          new ReceiveMessageCommand({ QueueUrl: url, MaxNumberOfMessages: 10 }),
        );
        for (const { Body } of Messages) bodies.add(Body);
        return bodies.size;
      })
      .toBe(2);
    const { Attributes } = await after.client.send(
      new GetQueueAttributesCommand({ QueueUrl: url, AttributeNames: ['VisibilityTimeout'] }),
    );
    expect(Attributes?.VisibilityTimeout).toBe('7');
    await after.close();
  });
});
