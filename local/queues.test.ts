import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { arnOf, stackOf } from './aws/fixtures.ts';
import { type QueueServer, startQueues } from './queues.ts';
import type { Template } from './template/template.ts';

let queues: QueueServer;
beforeEach(async () => {
  queues = await startQueues(undefined, () => {});
});
afterEach(() => queues.close());

const queue = (Properties: NonNullable<Template['Resources'][string]['Properties']>) => ({
  Type: 'AWS::SQS::Queue',
  Properties,
});
const create = (resources: Template['Resources']) =>
  queues.create(stackOf([{ Effect: 'Allow', Action: 'a:b', Resource: '*' }], resources, queues.endpoint));
const urlOf = async (QueueName: string) =>
  (await queues.client.send(new GetQueueUrlCommand({ QueueName }))).QueueUrl;
async function attributesOf(QueueName: string) {
  const QueueUrl = await urlOf(QueueName);
  const asked = new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['All'] });
  return (await queues.client.send(asked)).Attributes;
}

const Dead = queue({ MessageRetentionPeriod: 1_209_600, FifoQueue: true });

it('queues have what their template says, in whatever order it names them', async () => {
  await create({
    A: queue({
      FifoQueue: true,
      ContentBasedDeduplication: true,
      DeduplicationScope: 'messageGroup',
      FifoThroughputLimit: 'perMessageGroupId',
      VisibilityTimeout: 70,
      DelaySeconds: 5,
      MaximumMessageSize: 2048,
      ReceiveMessageWaitTimeSeconds: 3,
      RedrivePolicy: { deadLetterTargetArn: arnOf('Dead'), maxReceiveCount: 3 },
    }),
    Dead,
  });
  const attributes = await attributesOf('Midturn-A.fifo');
  expect(attributes).toMatchObject({
    FifoQueue: 'true',
    ContentBasedDeduplication: 'true',
    VisibilityTimeout: '70',
    DelaySeconds: '5',
    MaximumMessageSize: '2048',
    ReceiveMessageWaitTimeSeconds: '3',
  });
  expect(JSON.parse(attributes?.RedrivePolicy ?? '')).toEqual({
    deadLetterTargetArn: 'arn:aws:sqs:us-east-1:000000000000:Midturn-Dead.fifo',
    maxReceiveCount: 3,
  });
  expect(await attributesOf('Midturn-Dead.fifo')).toMatchObject({ MessageRetentionPeriod: '1209600' });
});

it('a queue that is there keeps its messages, and gets other settings', async () => {
  const of = (VisibilityTimeout: number) => ({ A: queue({ FifoQueue: true, VisibilityTimeout }) });
  await create(of(5));
  const QueueUrl = await urlOf('Midturn-A.fifo');
  const once = { MessageGroupId: 'g', MessageDeduplicationId: 'd' };
  await queues.client.send(new SendMessageCommand({ QueueUrl, MessageBody: 'kept', ...once }));
  await create(of(6));
  expect(await attributesOf('Midturn-A.fifo')).toMatchObject({ VisibilityTimeout: '6' });
  const { Messages } = await queues.client.send(new ReceiveMessageCommand({ QueueUrl }));
  expect(Messages?.map(({ Body }) => Body)).toEqual(['kept']);
});

it('a request that arrived elsewhere is answered, with its size; its trace is that of its message', async () => {
  await create({});
  const sizes: [number, number][] = [];
  const server = createServer((request, response) => {
    response.once('close', () => sizes.push([Number(response.getHeader('content-length')), bytes]));
    queues.handle(request, response);
  });
  let bytes = 0;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const send = async (trace?: string) => {
    const body = JSON.stringify({
      QueueUrl: `${endpoint}/000000000000/Midturn-Letters`,
      MessageBody: 'é',
    });
    const headers = {
      'content-type': 'application/x-amz-json-1.0',
      'x-amz-target': 'AmazonSQS.SendMessage',
      ...(trace !== undefined && { 'x-amzn-trace-id': trace }),
    };
    const answer = await fetch(endpoint, { method: 'POST', headers, body });
    const text = await answer.text();
    bytes = Buffer.byteLength(text);
    return (JSON.parse(text) as { MessageId: string }).MessageId;
  };
  const [one, two, none] = [await send('Root=1'), await send('Root=2'), await send()];
  expect([one, two, none].map((id) => queues.traceOf(id))).toEqual(['Root=1', 'Root=2', undefined]);
  expect(queues.traceOf('other')).toBeUndefined();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  expect(sizes).toHaveLength(3);
  for (const [told] of sizes) expect(told).toBe(bytes);
});

it('its own port is for the holder of its key', async () => {
  await create({});
  const client = new SQSClient({
    endpoint: queues.endpoint,
    region: 'us-east-1',
    credentials: { ...queues.credentials, secretAccessKey: 'other' },
    maxAttempts: 1,
  });
  await expect(client.send(new GetQueueUrlCommand({ QueueName: 'Midturn-Letters' }))).rejects.toThrow(
    'signature',
  );
  client.destroy();
});
