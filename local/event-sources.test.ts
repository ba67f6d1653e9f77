import { mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { DeleteMessageCommand, GetQueueAttributesCommand, SendMessageCommand } from '@aws-sdk/client-sqs';
import type { SQSEvent } from 'aws-lambda';
import { afterEach, describe, expect, it } from 'vitest';
import { temporaryFolder } from '../test/support/temporary-folder.ts';
import { createAccess } from './aws/access.ts';
import { functionCaller } from './aws/caller.ts';
import { arnOf, stackOf } from './aws/fixtures.ts';
import { readRoles } from './aws/roles.ts';
import { missingOperation, startEventSources } from './event-sources.ts';
import { compileRuntime } from './functions/environment.ts';
import type { FunctionPools } from './functions/functions.ts';
import { FunctionPool } from './functions/pool.ts';
import { type QueueServer, startQueues } from './queues.ts';
import type { Value } from './template/template.ts';

const ALL = ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes'];

it.each([
  [ALL, undefined],
  [ALL.slice(1), 'ReceiveMessage'],
  [ALL.filter((action) => action !== 'sqs:DeleteMessage'), 'DeleteMessage'],
  [ALL.slice(0, 2), 'GetQueueAttributes'],
])('a mapping with a role that allows %j misses %j', (actions, expected) => {
  const stack = stackOf([{ Effect: 'Allow', Action: actions, Resource: arnOf('Letters') }]);
  const [worker] = stack.ofType('AWS::Lambda::Function');
  const [queue] = stack.ofType('AWS::SQS::Queue');
  if (!worker || !queue) throw new Error('no function or no queue');
  const access = createAccess(readRoles(stack), () => {});
  const caller = functionCaller(stack, worker, 'worker');
  expect(missingOperation(access, caller, stack.attribute(queue, 'Arn'))).toBe(expected);
});

const ENVIRONMENTS = 3;
const MESSAGES = 5;
const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

/** A server that answers nobody until it is opened. The function of the test asks it, and so takes that long. */
async function givenGate() {
  const opened = Promise.withResolvers<void>();
  const server = createServer((_request, response) => opened.promise.then(() => response.end()));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  ends.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, open: opened.resolve };
}

/** Messages and a mapping with this `ScalingConfig` to a function of three environments. */
async function givenMapping(ScalingConfig: { MaximumConcurrency: number } | undefined) {
  const queues = await startQueues(undefined, () => {});
  ends.push(() => queues.close());
  const stack = stackOf(
    [{ Effect: 'Allow', Action: ALL, Resource: arnOf('Letters') }],
    {
      Mapping: {
        Type: 'AWS::Lambda::EventSourceMapping',
        Properties: {
          EventSourceArn: arnOf('Letters'),
          FunctionName: { Ref: 'Worker' },
          BatchSize: 1,
          ...(ScalingConfig && { ScalingConfig }),
        },
      },
    },
    queues.endpoint,
  );
  await queues.create(stack);
  const [worker] = stack.ofType('AWS::Lambda::Function');
  const [queue] = stack.ofType('AWS::SQS::Queue');
  if (!worker || !queue) throw new Error('no function or no queue');
  const QueueUrl = stack.ref(queue);
  for (let n = 0; n < MESSAGES; n++)
    await queues.client.send(new SendMessageCommand({ QueueUrl, MessageBody: String(n) }));
  const gate = await givenGate();
  const folder = join(temporaryFolder(), 'worker');
  await mkdir(folder);
  const bundle = join(folder, 'index.mjs');
  await writeFile(bundle, `export const handler = () => fetch('${gate.url}').then(() => null);`);
  const spec = {
    name: 'worker',
    functionName: 'Worker',
    arn: 'arn:aws:lambda:us-east-1:000000000000:function:Worker',
    bundle: pathToFileURL(bundle).href,
    exportName: 'handler',
    memoryMb: 128,
    timeoutSeconds: 30,
    variables: {},
    logGroupName: 'WorkerLogs',
  };
  const pool = new FunctionPool(spec, {
    maxEnvironments: ENVIRONMENTS,
    runtime: await compileRuntime(),
    log: () => {},
  });
  ends.push(() => pool.close());
  const caller = functionCaller(stack, worker, 'worker');
  const functions: FunctionPools = {
    list: () => [],
    invoke: (_, event) => pool.invoke(event),
    renew: async () => {},
    kill: async () => false,
    onInvocation: () => () => {},
    pool: () => pool,
    caller: () => caller,
    holderOf: () => undefined,
    close: () => pool.close(),
  };
  const access = createAccess(readRoles(stack), () => {});
  for (const source of startEventSources(stack, functions, queues, access, () => {}, {}))
    ends.push(() => source.stop());
  /** Messages that are received and not yet deleted, and those that wait. */
  async function counts() {
    const { Attributes = {} } = await queues.client.send(
      new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['All'] }),
    );
    return [
      Number(Attributes.ApproximateNumberOfMessagesNotVisible),
      Number(Attributes.ApproximateNumberOfMessages),
    ];
  }
  return { counts, open: gate.open };
}

describe('a mapping receives as many messages at a time as its function may handle', () => {
  it.each([
    [{ MaximumConcurrency: 2 }, 2],
    [{ MaximumConcurrency: ENVIRONMENTS }, ENVIRONMENTS],
    [{ MaximumConcurrency: ENVIRONMENTS + 1 }, ENVIRONMENTS],
    [undefined, ENVIRONMENTS],
  ])('with the ScalingConfig %j: %d', async (config, most) => {
    const { counts, open } = await givenMapping(config);
    const full = [most, MESSAGES - most];
    await expect.poll(counts).toEqual(full);
    // One more would be received within one of these calls.
    for (let n = 0; n < 20; n++) expect(await counts()).toEqual(full);
    open();
    await expect.poll(counts).toEqual([0, 0]);
  });
});

describe('a mapping', () => {
  /** The pollers of a mapping from a queue to a function of 60 s, whose role allows this. */
  function sources(
    queue: { readonly [name: string]: Value },
    more: { readonly [name: string]: Value } = {},
    actions = ALL,
  ) {
    const stack = stackOf([{ Effect: 'Allow', Action: actions, Resource: arnOf('Letters') }], {
      Letters: { Type: 'AWS::SQS::Queue', Properties: queue },
      Mapping: {
        Type: 'AWS::Lambda::EventSourceMapping',
        Properties: { EventSourceArn: arnOf('Letters'), FunctionName: { Ref: 'Worker' }, ...more },
      },
    });
    const [worker] = stack.ofType('AWS::Lambda::Function');
    if (!worker) throw new Error('no function');
    const caller = functionCaller(stack, worker, 'worker');
    const pool = {
      spec: { name: 'worker', timeoutSeconds: 60 },
      concurrency: 1,
      invoke: async ({ Records: [record] }: SQSEvent) => ({
        batchItemFailures: [{ itemIdentifier: record?.messageId }],
      }),
    };
    const sent: { name: string; input: object }[] = [];
    const given = [
      [
        { MessageId: 'a', ReceiptHandle: 'a' },
        { MessageId: 'b', ReceiptHandle: 'b' },
      ],
    ];
    const send = async (command: { input: object }) => {
      sent.push({ name: command.constructor.name, input: command.input });
      if (command instanceof DeleteMessageCommand) return {};
      const Messages = given.shift();
      return Messages ? { Messages } : new Promise(() => {});
    };
    const started = startEventSources(
      stack,
      { pool: () => pool, caller: () => caller } as unknown as FunctionPools,
      { client: { send }, traceOf: () => undefined } as unknown as QueueServer,
      createAccess(readRoles(stack), () => {}),
      () => {},
      {},
    );
    return { count: started.length, sent };
  }

  it.each([
    [{ VisibilityTimeout: 60 }, 1],
    [{ VisibilityTimeout: 59 }, 'visibility timeout 59 s is less'],
    [{}, 'visibility timeout 30 s is less'],
  ])('of a queue with %j, for a function of 60 s: %s', (queue, expected) => {
    if (typeof expected === 'number') expect(sources(queue).count).toBe(expected);
    else expect(() => sources(queue)).toThrow(expected);
  });

  const LONG = { VisibilityTimeout: 60 };
  const QueueUrl = expect.stringMatching(/000000000000.Midturn-Letters$/);

  it.each([
    [{}, 10],
    [{ BatchSize: 3 }, 3],
    [{ BatchSize: 10 }, 10],
    [{ BatchSize: 10_000 }, 10],
  ])('with %j asks its queue for as many messages at a time: %i', async (more, MaxNumberOfMessages) => {
    const { sent } = sources(LONG, more);
    await expect.poll(() => sent[0]?.input).toMatchObject({ QueueUrl, MaxNumberOfMessages });
  });

  it.each([
    [{}, ['a', 'b']],
    [{ FunctionResponseTypes: ['ReportBatchItemFailures'] }, ['b']],
  ])('with %j deletes what its function has handled: %j', async (more, handled) => {
    const { sent } = sources(LONG, more);
    const deleted = () => sent.filter(({ name }) => name === 'DeleteMessageCommand');
    await expect
      .poll(() => deleted().map(({ input }) => input))
      .toEqual(handled.map((ReceiptHandle) => ({ QueueUrl, ReceiptHandle })));
  });

  it('that is off polls nothing', () => {
    expect(sources({}, { Enabled: false }).count).toBe(0);
  });

  it('whose role lacks a permission is refused by its name', () => {
    expect(() => sources({ VisibilityTimeout: 60 }, {}, ALL.slice(1))).toThrow(
      'call ReceiveMessage on Letters',
    );
  });
});
