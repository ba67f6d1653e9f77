import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { SQSClient } from '@aws-sdk/client-sqs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { around, textOfBytes } from '../../test/support/text.ts';
import { createAccess } from '../aws/access.ts';
import { newAccessKey } from '../aws/access-key.ts';
import { arnOf, stackOf } from '../aws/fixtures.ts';
import { readRoles } from '../aws/roles.ts';
import type { Template, Value } from '../template/template.ts';
import { createEventBridge } from './event-bridge.ts';

const READ: Value = { Effect: 'Allow', Action: 'sqs:ReceiveMessage', Resource: arnOf('Letters') };
const EVENTS = { Service: 'events.amazonaws.com' };
const rule = (Properties: { readonly [name: string]: Value }) => ({ Type: 'AWS::Events::Rule', Properties });

/** EventBridge may invoke the function and send to the queue, from every rule. */
const PERMISSIONS: Template['Resources'] = {
  Invocation: {
    Type: 'AWS::Lambda::Permission',
    Properties: {
      Action: 'lambda:InvokeFunction',
      FunctionName: arnOf('Worker'),
      Principal: 'events.amazonaws.com',
    },
  },
  Sending: {
    Type: 'AWS::SQS::QueuePolicy',
    Properties: {
      Queues: [{ Ref: 'Letters' }],
      PolicyDocument: {
        Statement: [
          { Effect: 'Allow', Principal: EVENTS, Action: 'sqs:SendMessage', Resource: arnOf('Letters') },
        ],
      },
    },
  },
};

/** A queue server that keeps what is sent to it. */
async function givenQueues() {
  const sent: { MessageBody: string; MessageGroupId?: string; QueueUrl: string }[] = [];
  const server = createServer(async (request, response) => {
    const message = (await json(request)) as (typeof sent)[number];
    sent.push(message);
    const MD5OfMessageBody = createHash('md5').update(message.MessageBody).digest('hex');
    response.end(JSON.stringify({ MessageId: 'm', MD5OfMessageBody }));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const client = new SQSClient({
    endpoint,
    region: 'us-east-1',
    credentials: newAccessKey(),
    maxAttempts: 1,
  });
  onTestFinished(() => {
    client.destroy();
    server.closeAllConnections();
    server.close();
  });
  return { sent, client, endpoint };
}

interface Given {
  rules?: Template['Resources'];
  permissions?: Template['Resources'];
  invoke?: (event: unknown) => Promise<void>;
}

async function given({ rules = {}, permissions = PERMISSIONS, invoke = async () => {} }: Given = {}) {
  const { sent, client, endpoint } = await givenQueues();
  const more = {
    Bus: { Type: 'AWS::Events::EventBus', Properties: { Name: 'orders' } },
    ...permissions,
    ...rules,
  };
  const stack = stackOf([READ], more, endpoint);
  const logs: string[] = [];
  const invoked: unknown[] = [];
  const bus = createEventBridge({
    stack,
    access: createAccess(readRoles(stack), () => {}),
    queues: client,
    asynchronous: {
      async invoke(fn, event) {
        await invoke(event);
        invoked.push([fn.logicalId, event]);
      },
    },
    log: ({ text }) => logs.push(text),
  });
  const put = async (...Entries: object[]) =>
    (await bus.answer('PutEvents', { Entries })) as {
      status: number;
      body: {
        Entries: { EventId?: string; ErrorCode?: string }[];
        FailedEntryCount: number;
        __type?: string;
      };
    };
  return { bus, put, sent, logs, invoked };
}

const ENTRY = { Source: 'shop', DetailType: 'Sold', Detail: '{"what":"é"}' };
const toWorker = { Id: 'worker', Arn: arnOf('Worker') };
const ON_ALL = { EventPattern: { source: ['shop'] }, Targets: [toWorker] };

describe('an event', () => {
  it('is given to the function and the queue of a rule of its bus, as EventBridge has it', async () => {
    const letters = { Id: 'letters', Arn: arnOf('Letters'), SqsParameters: { MessageGroupId: 'g' } };
    const { bus, put, sent, invoked } = await given({
      rules: {
        On: rule({ ...ON_ALL, EventBusName: { Ref: 'Bus' }, Targets: [toWorker, letters] }),
        OfDefault: rule(ON_ALL),
        OfOthers: rule({ ...ON_ALL, EventBusName: 'orders', EventPattern: { source: ['other'] } }),
        Off: rule({ ...ON_ALL, EventBusName: 'orders', State: 'DISABLED' }),
      },
    });
    const { body } = await put({ ...ENTRY, EventBusName: 'orders', Time: 1_700_000_000, Resources: ['r'] });
    await bus.settled();
    const event = {
      version: '0',
      id: body.Entries[0]?.EventId,
      'detail-type': 'Sold',
      source: 'shop',
      account: '000000000000',
      time: '2023-11-14T22:13:20Z',
      region: 'us-east-1',
      resources: ['r'],
      detail: { what: 'é' },
    };
    expect(body).toMatchObject({ FailedEntryCount: 0 });
    expect(invoked).toEqual([['Worker', event]]);
    expect(sent).toMatchObject([{ MessageGroupId: 'g', MessageBody: JSON.stringify(event) }]);
    expect(bus.taken()).toEqual([{ bus: 'orders', event }]);
  });

  it.each([
    [{ Source: '' }, 'InvalidArgument'],
    [{ DetailType: undefined }, 'InvalidArgument'],
    [{ Detail: 5 }, 'InvalidArgument'],
    [{ Source: 'aws.s3' }, 'NotAuthorizedForSourceException'],
    [{ DetailType: 'x'.repeat(129) }, 'InvalidArgument'],
    [{ Detail: '{' }, 'MalformedDetail'],
    [{ Detail: '["a"]' }, 'MalformedDetail'],
    [{ Detail: 'null' }, 'MalformedDetail'],
    [{ EventBusName: 'nobody’s' }, 'InvalidArgument'],
  ])('with %j is not taken: %s, and the others of its request are', async (wrong, ErrorCode) => {
    const { bus, put, invoked } = await given({ rules: { On: rule(ON_ALL) } });
    const longest = { ...ENTRY, DetailType: 'x'.repeat(128) };
    const { body } = await put(ENTRY, { ...ENTRY, ...wrong }, longest);
    await bus.settled();
    const taken = { EventId: expect.any(String) };
    expect(body).toEqual({
      Entries: [taken, { ErrorCode, ErrorMessage: expect.any(String) }, taken],
      FailedEntryCount: 1,
    });
    expect(invoked).toHaveLength(2);
    expect(bus.taken()).toHaveLength(2);
  });

  // https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevents.html: 256 KB of UTF-8 in its three texts.
  it.each(['x', 'é', '€', '😀'])('is of at most 256 KB, whatever its letters: %s', async (letter) => {
    const { put } = await given();
    const others = Buffer.byteLength('shop' + 'Sold' + '{"a":""}');
    const failed = [];
    for (const bytes of around(256 * 1024)) {
      const { body } = await put({ ...ENTRY, Detail: `{"a":"${textOfBytes(bytes - others, letter)}"}` });
      failed.push(body.FailedEntryCount);
    }
    expect(failed).toEqual([0, 0, 1]);
  });

  it.each([
    [0, 400],
    [1, 200],
    [10, 200],
    [11, 400],
  ])('comes with others: a request of %i has the status %i', async (count, status) => {
    const { bus, put } = await given();
    expect((await put(...Array(count).fill(ENTRY))).status).toBe(status);
    expect(bus.taken()).toHaveLength(status === 200 ? count : 0);
  });

  it('is one of the last thousand that are kept', async () => {
    const { bus, put } = await given();
    for (let n = 0; n < 101; n++)
      await put(...Array.from({ length: 10 }, (_, k) => ({ ...ENTRY, Detail: `{"n":${n * 10 + k}}` })));
    const kept = bus.taken().map(({ event }) => event.detail);
    expect([kept.length, kept[0], kept.at(-1)]).toEqual([1000, { n: 10 }, { n: 1009 }]);
  });
});

describe('a delivery', () => {
  it.each<[string, Given, string]>([
    ['that fails', { invoke: () => Promise.reject(new Error('no table')) }, 'no table'],
    ['that no permission allows', { permissions: {} }, 'no permission'],
  ])('%s is in the log, and the event was taken', async (_, how, why) => {
    const { bus, put, logs, invoked, sent } = await given({ ...how, rules: { On: rule(ON_ALL) } });
    expect((await put(ENTRY)).body.FailedEntryCount).toBe(0);
    await bus.settled();
    expect(logs).toEqual([expect.stringContaining(why)]);
    expect([...invoked, ...sent]).toEqual([]);
  });

  it('to the queue is not made without its permission', async () => {
    const letters = { ...ON_ALL, Targets: [{ Id: 'letters', Arn: arnOf('Letters') }] };
    const { bus, put, logs, sent } = await given({ permissions: {}, rules: { On: rule(letters) } });
    await put(ENTRY);
    await bus.settled();
    expect(logs).toEqual([expect.stringContaining('no permission')]);
    expect(sent).toEqual([]);
  });

  it('is waited for', async () => {
    const ending = Promise.withResolvers<void>();
    const { bus, put, invoked } = await given({ rules: { On: rule(ON_ALL) }, invoke: () => ending.promise });
    await put(ENTRY);
    const settled = bus.settled().then(() => invoked.length);
    ending.resolve();
    expect(await settled).toBe(1);
  });
});

it('a clock and a target that are not here are named once', async () => {
  const { logs } = await given({
    rules: {
      Daily: rule({ ScheduleExpression: 'rate(1 day)', Targets: [toWorker] }),
      Far: rule({ ...ON_ALL, Targets: [{ Id: 'far', Arn: 'arn:aws:sns:us-east-1:1:topic' }] }),
    },
  });
  expect(logs).toEqual([
    expect.stringContaining('Daily (rate(1 day))'),
    expect.stringContaining('arn:aws:sns:us-east-1:1:topic of Far'),
  ]);
});

it('needs a permission for each bus, by its name or its ARN', async () => {
  const { bus } = await given();
  const arn = 'arn:aws:events:us-east-1:000000000000:event-bus/orders';
  const Entries = [ENTRY, { ...ENTRY, EventBusName: 'orders' }, { ...ENTRY, EventBusName: arn }];
  const { needs } = bus.operation('PutEvents', { Entries });
  expect(needs).toEqual([
    { action: 'events:PutEvents', resource: arn.replace('orders', 'default') },
    { action: 'events:PutEvents', resource: arn },
  ]);
});

it('refuses every entry with a code until it is told to end, and every other operation', async () => {
  const { bus, put } = await given();
  const end = bus.refuse('ThrottlingException');
  expect((await put(ENTRY)).body.Entries).toMatchObject([{ ErrorCode: 'ThrottlingException' }]);
  end();
  expect((await put(ENTRY)).body.FailedEntryCount).toBe(0);
  expect(bus.taken()).toHaveLength(1);
  expect(await bus.answer('ListRules', {})).toMatchObject({
    status: 400,
    body: { __type: 'UnknownOperationException' },
  });
});

it('loses requests, and says that one came, until it is told to end', async () => {
  const { bus, put } = await given();
  const { first, end } = bus.lose();
  const lost = put(ENTRY);
  await first;
  end();
  expect((await put(ENTRY)).status).toBe(200);
  expect(await Promise.race([lost, 'no answer'])).toBe('no answer');
  expect(bus.taken()).toHaveLength(1);
});
