import { randomUUID } from 'node:crypto';
import {
  ChangeMessageVisibilityCommand,
  GetQueueAttributesCommand,
  SendMessageCommand,
} from '@aws-sdk/client-sqs';
import type { SQSEvent, SQSRecord } from 'aws-lambda';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  type EventSource,
  LAMBDA_RAMP,
  type PollerOperation,
  type Ramp,
  startEventSource,
} from './event-source.ts';
import type { LogEntry } from './log.ts';
import { type QueueServer, startQueues } from './queues.ts';
import { readStack, type Stack, type StackResource } from './template/stack.ts';

let queues: QueueServer;
let stack: Stack;
let turns: StackResource;
let dead: StackResource;
const sources: EventSource[] = [];
const logged: LogEntry[] = [];

beforeEach(async () => {
  queues = await startQueues(undefined, () => {});
  stack = readStack(
    {
      Resources: {
        Turns: {
          Type: 'AWS::SQS::Queue',
          Properties: {
            FifoQueue: true,
            VisibilityTimeout: 1,
            RedrivePolicy: { deadLetterTargetArn: { 'Fn::GetAtt': ['Dead', 'Arn'] }, maxReceiveCount: 3 },
          },
        },
        Dead: { Type: 'AWS::SQS::Queue', Properties: { FifoQueue: true } },
      },
    },
    { sqsEndpoint: queues.endpoint },
  );
  await queues.create(stack);
  [turns, dead] = stack.ofType('AWS::SQS::Queue') as [StackResource, StackResource];
});

afterEach(async () => {
  await Promise.all(sources.splice(0).map((source) => source.stop()));
  await queues.close();
  logged.length = 0;
});

type Handler = (record: SQSRecord, event: SQSEvent) => Promise<unknown>;

/** Consumes a queue with `handler`, one message at a time. */
function consume(
  handler: Handler,
  queue = turns,
  concurrency = 10,
  { mayDo = () => true, ramp }: { mayDo?: (operation: PollerOperation) => boolean; ramp?: Ramp } = {},
): void {
  sources.push(
    startEventSource({
      client: queues.client,
      queueUrl: stack.ref(queue),
      queueArn: stack.attribute(queue, 'Arn'),
      batchSize: 1,
      reportBatchItemFailures: true,
      concurrency,
      ...(ramp && { ramp }),
      invoke: async (event) => {
        const [record] = event.Records;
        if (!record || event.Records.length > 1) throw new Error('not one record');
        return handler(record, event);
      },
      ask: (operation) => ({ allowed: mayDo(operation), done: () => {} }),
      source: 'sample',
      log: (entry) => logged.push(entry),
    }),
  );
}

async function send(group: string, body: string): Promise<void> {
  await queues.client.send(
    new SendMessageCommand({
      QueueUrl: stack.ref(turns),
      MessageBody: body,
      MessageGroupId: group,
      MessageDeduplicationId: randomUUID(),
      MessageAttributes: { kind: { DataType: 'String', StringValue: 'token' } },
    }),
  );
}

/** Messages that are in a queue, in flight or not. */
async function count(queue: StackResource): Promise<number> {
  const { Attributes = {} } = await queues.client.send(
    new GetQueueAttributesCommand({ QueueUrl: stack.ref(queue), AttributeNames: ['All'] }),
  );
  return (
    Number(Attributes.ApproximateNumberOfMessages) + Number(Attributes.ApproximateNumberOfMessagesNotVisible)
  );
}

const handBack = async (record: SQSRecord) => {
  await queues.client.send(
    new ChangeMessageVisibilityCommand({
      QueueUrl: stack.ref(turns),
      ReceiptHandle: record.receiptHandle,
      VisibilityTimeout: 0,
    }),
  );
  return { batchItemFailures: [{ itemIdentifier: record.messageId }] };
};

describe('a message', () => {
  it('comes in the form of Lambda’s SQS event, and is deleted once handled', async () => {
    const received: SQSRecord[] = [];
    consume(async (record) => void received.push(record));
    await send('g', 'hello');
    await expect.poll(() => received).toHaveLength(1);
    expect(received[0]).toMatchObject({
      messageId: expect.any(String),
      receiptHandle: expect.any(String),
      body: 'hello',
      attributes: {
        ApproximateReceiveCount: '1',
        MessageGroupId: 'g',
        MessageDeduplicationId: expect.any(String),
        SequenceNumber: expect.any(String),
        SentTimestamp: expect.stringMatching(/^\d{13}$/),
      },
      messageAttributes: { kind: { stringValue: 'token', dataType: 'String' } },
      eventSource: 'aws:sqs',
      eventSourceARN: stack.attribute(turns, 'Arn'),
      awsRegion: 'us-east-1',
    });
    await expect.poll(() => count(turns)).toBe(0);
  });

  it('that was handed back comes again at once, before the next of its group', async () => {
    const seen: string[] = [];
    consume(async (record) => {
      seen.push(`${record.body}${record.attributes.ApproximateReceiveCount}`);
      return seen.length === 1 ? handBack(record) : undefined;
    });
    await send('g', 'a');
    await send('g', 'b');
    await expect.poll(() => seen).toEqual(['a1', 'a2', 'b1']);
  });

  it.each<[string, (record: SQSRecord) => Promise<unknown>]>([
    ['names it', async ({ messageId }) => ({ batchItemFailures: [{ itemIdentifier: messageId }] })],
    ['throws', () => Promise.reject(new Error('no'))],
    ['names another message', async () => ({ batchItemFailures: [{ itemIdentifier: 'unknown' }] })],
    ['names no message', async () => ({ batchItemFailures: [{ itemIdentifier: '' }] })],
  ])('whose function %s comes again when its visibility ends', async (_, fail) => {
    const seen: string[] = [];
    consume(async (record) => {
      seen.push(record.attributes.ApproximateReceiveCount);
      return seen.length === 1 ? fail(record) : undefined;
    });
    await send('g', 'a');
    await expect.poll(() => seen).toEqual(['1', '2']);
    await expect.poll(() => count(turns)).toBe(0);
  });

  it('whose function fails leaves a line for the operator', async () => {
    consume(async () => Promise.reject(new Error('out of order')));
    await send('g', 'a');
    await expect
      .poll(() => logged)
      .toContainEqual({ level: 'error', source: 'sample', text: 'Invocation failed: out of order' });
  });

  it('that is received too often goes to the dead-letter queue, and its group is free again', async () => {
    const seen: string[] = [];
    const buried: string[] = [];
    consume(async (record) => {
      seen.push(record.body);
      return record.body === 'poison' ? handBack(record) : undefined;
    });
    consume(
      async (record) => void buried.push(`${record.body} of ${record.attributes.MessageGroupId}`),
      dead,
    );
    await send('g', 'poison');
    await send('g', 'next');
    await expect.poll(() => buried).toEqual(['poison of g']);
    await expect.poll(() => seen).toEqual(['poison', 'poison', 'poison', 'next']);
  });
});

describe('a poller whose role', () => {
  it('may not receive gets nothing, until it may', async () => {
    const seen: string[] = [];
    const asked: PollerOperation[] = [];
    let mayReceive = false;
    consume(async ({ body }) => void seen.push(body), turns, 10, {
      mayDo(operation) {
        asked.push(operation);
        return operation !== 'ReceiveMessage' || mayReceive;
      },
    });
    await send('g', 'a');
    await expect.poll(() => asked.filter((operation) => operation === 'ReceiveMessage')).toHaveLength(2);
    expect(seen).toEqual([]);
    mayReceive = true;
    await expect.poll(() => seen).toEqual(['a']);
  });

  it('may not delete handles a message once more when its visibility ends', async () => {
    const seen: string[] = [];
    let tries = 0;
    consume(async ({ body }) => void seen.push(body), turns, 10, {
      mayDo: (operation) => operation !== 'DeleteMessage' || tries++ > 0,
    });
    await send('g', 'a');
    await expect.poll(() => seen).toEqual(['a', 'a']);
    await expect.poll(() => count(turns)).toBe(0);
  });
});

describe('groups', () => {
  it('go one message at a time, in order, and beside one another', async () => {
    const running = new Map<string, number>();
    const most = { ofOneGroup: 0, inAll: 0 };
    const order: Record<string, string[]> = { a: [], b: [], c: [] };
    consume(async ({ body, attributes: { MessageGroupId: group = '' } }) => {
      running.set(group, (running.get(group) ?? 0) + 1);
      most.ofOneGroup = Math.max(most.ofOneGroup, running.get(group) ?? 0);
      most.inAll = Math.max(
        most.inAll,
        [...running.values()].reduce((sum, n) => sum + n, 0),
      );
      // Each waits for company from another group, so that a run one after the other would not end.
      await expect.poll(() => most.inAll).toBeGreaterThan(1);
      order[group]?.push(body);
      running.set(group, (running.get(group) ?? 0) - 1);
    });
    for (const body of ['1', '2', '3', '4']) for (const group of ['a', 'b', 'c']) await send(group, body);
    await expect
      .poll(() => order)
      .toEqual({
        a: ['1', '2', '3', '4'],
        b: ['1', '2', '3', '4'],
        c: ['1', '2', '3', '4'],
      });
    expect(most.ofOneGroup).toBe(1);
  });

  it('beside one another are at most as many as the concurrency allows', async () => {
    let running = 0;
    let most = 0;
    let handled = 0;
    consume(
      async () => {
        running += 1;
        most = Math.max(most, running);
        await count(turns);
        running -= 1;
        handled += 1;
      },
      turns,
      2,
    );
    await Promise.all(['a', 'b', 'c', 'd', 'e', 'f'].map((group) => send(group, 'x')));
    await expect.poll(() => handled).toBe(6);
    expect(most).toBeLessThanOrEqual(2);
  });
});

describe('a poller that begins with few batches', () => {
  const groups = Array.from({ length: 12 }, (_, n) => `g${n}`);
  const sendAll = () => Promise.all(groups.map((group) => send(group, group)));

  it('runs five at a time at first, as Lambda does', async () => {
    let running = 0;
    let most = 0;
    let handled = 0;
    const five = Promise.withResolvers<void>();
    await sendAll();
    consume(
      async () => {
        running += 1;
        most = Math.max(most, running);
        // The first five wait for one another, so that as many run at the same time as may.
        if (running === 5) five.resolve();
        await five.promise;
        await count(turns);
        running -= 1;
        handled += 1;
      },
      turns,
      10,
      { ramp: { ...LAMBDA_RAMP, everyMs: 60_000 } },
    );
    await expect.poll(() => handled).toBeGreaterThanOrEqual(groups.length);
    expect(most).toBe(5);
  });

  it('reaches its concurrency while messages are left, and not more', async () => {
    let running = 0;
    const all = Promise.withResolvers<void>();
    let most = 0;
    await sendAll();
    consume(
      async () => {
        running += 1;
        most = Math.max(most, running);
        if (running === 10) all.resolve();
        await all.promise;
        running -= 1;
      },
      turns,
      10,
      { ramp: { first: 5, everyMs: 1 } },
    );
    await expect.poll(() => count(turns)).toBe(0);
    expect(most).toBe(10);
  });
});
