import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  ApiGatewayManagementApiClient,
  PostToConnectionCommand,
} from '@aws-sdk/client-apigatewaymanagementapi';
import { DynamoDBClient, GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { ReceiveMessageCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createEventBridge } from '../eventbridge/event-bridge.ts';
import { type QueueServer, startQueues } from '../queues.ts';
import { startTables, type TableServer } from '../tables.ts';
import type { Stack } from '../template/stack.ts';
import { type Access, type Call, createAccess } from './access.ts';
import { type AccessKey, newAccessKey } from './access-key.ts';
import { functionCaller } from './caller.ts';
import { arnOf, stackOf } from './fixtures.ts';
import { createUpstream, type Upstream } from './forward.ts';
import { createFront } from './front.ts';
import { createLambda } from './lambda.ts';
import { readRoles } from './roles.ts';
import { secretArn } from './secret-arn.ts';
import { createSecrets } from './secrets.ts';
import { sign } from './signature.ts';

const KEY = newAccessKey();
const STRANGER = newAccessKey();
const USER = 'arn:aws:sts::000000000000:assumed-role/Midturn-WorkerRole/Midturn-Worker';

let server: Server;
let origin: string;
let tables: TableServer;
let queues: QueueServer;
let model: Server;
const upstreams: Upstream[] = [];
let stack: Stack;
let access: Access;
/** The half of the model's stream that is still to come. */
let finishStream: () => void = () => {};

const portOf = (listening: Server) => (listening.address() as AddressInfo).port;

function listen(at: Server): Promise<void> {
  return new Promise((resolve) => at.listen(0, '127.0.0.1', resolve));
}

beforeAll(async () => {
  model = createServer((request, response) => {
    request.resume();
    response.writeHead(200, { 'content-type': 'application/vnd.amazon.eventstream' });
    response.write('first');
    finishStream = () => response.end(' second');
  });
  server = createServer();
  [tables, queues] = await Promise.all([
    startTables(undefined, () => {}),
    startQueues(undefined, () => {}),
    listen(model),
    listen(server),
  ]);
  origin = `http://127.0.0.1:${portOf(server)}`;
  stack = stackOf(
    [
      { Effect: 'Allow', Action: ['dynamodb:GetItem', 'dynamodb:PutItem'], Resource: arnOf('Items') },
      { Effect: 'Allow', Action: 'sqs:SendMessage', Resource: arnOf('Letters') },
      {
        Effect: 'Allow',
        Action: 'execute-api:ManageConnections',
        Resource: 'arn:aws:execute-api:us-east-1:000000000000:midturnapi/local/POST/@connections/open*',
      },
      {
        Effect: 'Allow',
        Action: 'secretsmanager:GetSecretValue',
        Resource: ['known', 'forgotten', 'far'].map(
          (name) => `arn:aws:secretsmanager:us-east-1:000000000000:secret:${name}-??????`,
        ),
      },
      {
        Effect: 'Allow',
        Action: 'events:PutEvents',
        Resource: 'arn:aws:events:us-east-1:000000000000:event-bus/default',
      },
      {
        Effect: 'Allow',
        Action: 'bedrock:InvokeModelWithResponseStream',
        Resource: 'arn:aws:bedrock:*::foundation-model/good.model',
      },
    ],
    {},
    origin,
  );
  await Promise.all([tables.create(stack), queues.create(stack)]);
  access = createAccess(readRoles(stack), () => {});
  const [worker] = stack.ofType('AWS::Lambda::Function');
  if (!worker) throw new Error('the stack has no function');
  const caller = functionCaller(stack, worker, 'worker');
  const bedrock = createUpstream(`http://127.0.0.1:${portOf(model)}`);
  upstreams.push(bedrock);
  const front = createFront({
    holderOf: (id) => (id === KEY.accessKeyId ? { ...KEY, caller } : undefined),
    access,
    services: {
      dynamodb: tables.handle,
      sqs: queues.handle,
      bedrock,
      management(request, response) {
        request.resume();
        response.writeHead(200).end();
        return true;
      },
      secrets: createSecrets({ known: 'the value', 'other/one': 'x' }, async ({ SecretId }) => {
        if (SecretId === 'far') throw new Error('no account is in reach');
        return { status: 400, body: { __type: 'ResourceNotFoundException' } };
      }),
      lambda: createLambda({
        stack,
        functions: { pool: () => ({ spec: { name: 'worker' }, invoke: async (event) => event }) },
        asynchronous: { invoke: async () => {} },
        log: () => {},
      }),
      events: createEventBridge({
        stack,
        access,
        queues: queues.client,
        asynchronous: { invoke: () => Promise.reject(new Error('no rule has a function')) },
        log: () => {},
      }),
    },
  });
  server.on('request', (request, response) => {
    if (!front(request, response)) response.writeHead(404).end('not for the front');
  });
});

afterAll(async () => {
  for (const upstream of upstreams) upstream.close();
  for (const open of [server, model]) {
    open.close();
    open.closeAllConnections();
  }
  await Promise.all([tables.close(), queues.close()]);
});

const config = (credentials: AccessKey = KEY) => ({
  endpoint: origin,
  region: 'us-east-1',
  maxAttempts: 1,
  credentials,
});

const item = (pk: string) => new PutItemCommand({ TableName: 'Midturn-Items', Item: { pk: { S: pk } } });
const letter = () =>
  new SendMessageCommand({
    QueueUrl: `${origin}/000000000000/Midturn-Letters`,
    MessageBody: 'hello',
  });
const secret = (SecretId: string) => new GetSecretValueCommand({ SecretId });
const post = (ConnectionId: string) => new PostToConnectionCommand({ ConnectionId, Data: 'hello' });
const management = (key?: AccessKey) =>
  new ApiGatewayManagementApiClient({ ...config(key), endpoint: `${origin}/local` });

/** Sends a request that no SDK here sends, signed. */
function send(
  service: string,
  path = '/',
  { body = '{}', ...more }: { body?: string; 'x-amz-target'?: string } = {},
) {
  const headers = { 'x-amz-date': '20260101T000000Z', ...more };
  const parts = { date: '20260101', region: 'us-east-1', service, signedHeaders: ['x-amz-date'] };
  const signature = sign(
    KEY.secretAccessKey,
    { method: 'POST', url: path, headers },
    Buffer.from(body),
    parts,
  );
  const scope = `${KEY.accessKeyId}/20260101/us-east-1/${service}/aws4_request`;
  const authorization = `AWS4-HMAC-SHA256 Credential=${scope}, SignedHeaders=x-amz-date, Signature=${signature}`;
  return fetch(`${origin}${path}`, { method: 'POST', headers: { ...headers, authorization }, body });
}

describe('what a role allows', () => {
  it('reaches DynamoDB', async () => {
    const client = new DynamoDBClient(config());
    await client.send(item('a'));
    const read = new GetItemCommand({ TableName: 'Midturn-Items', Key: { pk: { S: 'a' } } });
    expect((await client.send(read)).Item).toEqual({ pk: { S: 'a' } });
  });

  it('reaches SQS', async () => {
    expect((await new SQSClient(config()).send(letter())).MessageId).toBeDefined();
  });

  it('reaches the management API', async () => {
    expect((await management().send(post('open-1'))).$metadata.httpStatusCode).toBe(200);
  });

  it('reaches Secrets Manager, by name and by ARN', async () => {
    const client = new SecretsManagerClient(config());
    const expected = { SecretString: 'the value', ARN: secretArn('known'), Name: 'known' };
    expect(await client.send(secret('known'))).toMatchObject(expected);
    expect(await client.send(secret(secretArn('known')))).toMatchObject(expected);
    expect(await client.send(secret(secretArn('known').slice(0, -7)))).toMatchObject(expected);
  });

  it('reaches Bedrock, and its answer streams', async () => {
    const response = await send('bedrock', '/model/good.model/converse-stream');
    const reader = response.body?.getReader();
    const next = async () => Buffer.from((await reader?.read())?.value ?? []).toString();
    expect(await next()).toBe('first');
    finishStream();
    expect(await next()).toBe(' second');
  });
});

describe('what a role does not allow is refused in the words of the service', () => {
  it('DynamoDB: AccessDeniedException', async () => {
    const deletion = new GetItemCommand({ TableName: 'Other', Key: { pk: { S: 'a' } } });
    await expect(new DynamoDBClient(config()).send(deletion)).rejects.toMatchObject({
      name: 'AccessDeniedException',
      message: `User: ${USER} is not authorized to perform: dynamodb:GetItem on resource: arn:aws:dynamodb:us-east-1:000000000000:table/Other because no identity-based policy allows the dynamodb:GetItem action`,
      $metadata: { httpStatusCode: 400 },
    });
  });

  it('SQS: AccessDenied', async () => {
    const receive = new ReceiveMessageCommand({ QueueUrl: `${origin}/000000000000/Midturn-Letters` });
    await expect(new SQSClient(config()).send(receive)).rejects.toMatchObject({
      name: 'AccessDenied',
      $metadata: { httpStatusCode: 403 },
    });
  });

  it('management API: 403', async () => {
    await expect(management().send(post('other'))).rejects.toMatchObject({
      name: 'AccessDeniedException',
      $metadata: { httpStatusCode: 403 },
    });
  });

  it('Secrets Manager: AccessDeniedException, also for a secret that is there', async () => {
    await expect(new SecretsManagerClient(config()).send(secret('other/one'))).rejects.toMatchObject({
      name: 'AccessDeniedException',
    });
  });

  it('EventBridge: AccessDeniedException, for a bus that is not the granted one', async () => {
    const { EventBridgeClient, PutEventsCommand } = await import('@aws-sdk/client-eventbridge');
    const client = new EventBridgeClient(config());
    const to = (EventBusName: string) =>
      client.send(
        new PutEventsCommand({ Entries: [{ EventBusName, Source: 's', DetailType: 'd', Detail: '{}' }] }),
      );
    expect(await to('default')).toMatchObject({ FailedEntryCount: 0 });
    await expect(to('other')).rejects.toMatchObject({ name: 'AccessDeniedException' });
  });

  it('Bedrock: 403', async () => {
    const response = await send('bedrock', '/model/bad.model/converse-stream');
    expect(response.status).toBe(403);
    expect(response.headers.get('x-amzn-errortype')).toBe('AccessDeniedException');
  });
});

describe('who is not known is refused', () => {
  it.each([
    ['DynamoDB', () => new DynamoDBClient(config(STRANGER)).send(item('b')), 'UnrecognizedClientException'],
    ['SQS', () => new SQSClient(config(STRANGER)).send(letter()), 'InvalidClientTokenId'],
    ['management API', () => management(STRANGER).send(post('open-1')), 'UnrecognizedClientException'],
    [
      'Secrets Manager',
      () => new SecretsManagerClient(config(STRANGER)).send(secret('known')),
      'UnrecognizedClientException',
    ],
  ])('by its key: %s', async (_service, send, name) => {
    await expect(send()).rejects.toMatchObject({ name });
  });

  const forged = { ...KEY, secretAccessKey: 'local' };
  it.each([
    ['DynamoDB', () => new DynamoDBClient(config(forged)).send(item('b')), 'InvalidSignatureException'],
    ['SQS', () => new SQSClient(config(forged)).send(letter()), 'SignatureDoesNotMatch'],
    ['management API', () => management(forged).send(post('open-1')), 'InvalidSignatureException'],
    [
      'Secrets Manager',
      () => new SecretsManagerClient(config(forged)).send(secret('known')),
      'InvalidSignatureException',
    ],
  ])('by its signature, though the key is one that is known: %s', async (_service, send, name) => {
    await expect(send()).rejects.toMatchObject({ name });
  });

  it('by its signature, which is that of another body', async () => {
    const client = new DynamoDBClient(config());
    client.middlewareStack.add(
      (next) => (args) => {
        const request = args.request as { body: string };
        return next({
          ...args,
          request: Object.assign(request, { body: request.body.replace('"b"', '"c"') }),
        });
      },
      { step: 'finalizeRequest', priority: 'low' },
    );
    await expect(client.send(item('b'))).rejects.toMatchObject({ name: 'InvalidSignatureException' });
  });

  it.each([
    ['DynamoDB_20120810.GetItem', 400, 'MissingAuthenticationTokenException'],
    ['AmazonSQS.SendMessage', 403, 'MissingAuthenticationTokenException'],
  ])('without a signature: %s', async (target, status, type) => {
    const response = await fetch(origin, { method: 'POST', headers: { 'x-amz-target': target }, body: '{}' });
    expect(response.status).toBe(status);
    expect(await response.text()).toContain(type);
  });

  it('without a signature at the management API', async () => {
    const response = await fetch(`${origin}/local/@connections/open-1`, { method: 'POST', body: 'x' });
    expect(response.status).toBe(403);
  });

  it('but what is nobody to AWS passes by', async () => {
    expect(await (await fetch(`${origin}/page.html`)).text()).toBe('not for the front');
  });
});

it('a secret that may be read and is not there is not found', async () => {
  await expect(new SecretsManagerClient(config()).send(secret('forgotten'))).rejects.toMatchObject({
    name: 'ResourceNotFoundException',
  });
});

it('a secret of an account that is out of reach ends its request, and nothing else', async () => {
  const client = new SecretsManagerClient({ ...config(), maxAttempts: 1 });
  await expect(client.send(secret('far'))).rejects.toMatchObject({
    name: 'InternalFailure',
    message: 'no account is in reach',
  });
  expect(await client.send(secret('known'))).toMatchObject({ SecretString: 'the value' });
});

it('a body that is no JSON is refused', async () => {
  const response = await send('dynamodb', '/', { 'x-amz-target': 'DynamoDB_20120810.GetItem', body: '{' });
  expect(response.status).toBe(400);
  expect(await response.text()).toContain('SerializationException');
});

it('a service that is not there says so', async () => {
  const response = await send('s3');
  expect(response.status).toBe(501);
});

describe('an observer', () => {
  it('hears what each call weighed', async () => {
    const calls: Call[] = [];
    const stop = access.onCall((call) => calls.push(call));
    await new SQSClient(config()).send(letter());
    await expect.poll(() => calls).toHaveLength(1);
    stop();
    expect(calls).toMatchObject([
      { function: 'worker', service: 'sqs', operation: 'SendMessage', allowed: true },
    ]);
    expect(calls[0]?.requestBytes).toBeGreaterThan(10);
    expect(calls[0]?.responseBytes).toBeGreaterThan(10);
  });

  it('that asks for it hears what capacity a call consumed, which the function does not see', async () => {
    const calls: Call[] = [];
    const stop = access.onCall((call) => calls.push(call), { capacity: true });
    const client = new DynamoDBClient(config());
    const big = new PutItemCommand({
      TableName: 'Midturn-Items',
      Item: { pk: { S: 'big' }, text: { S: 'x'.repeat(2500) } },
    });
    const put = await client.send(big);
    const key = { TableName: 'Midturn-Items', Key: { pk: { S: 'big' } } };
    const read = await client.send(new GetItemCommand({ ...key, ConsistentRead: true }));
    const asked = await client.send(new GetItemCommand({ ...key, ReturnConsumedCapacity: 'TOTAL' }));
    await expect.poll(() => calls).toHaveLength(3);
    stop();
    expect(calls.map(({ capacityUnits }) => capacityUnits)).toEqual([3, 1, 0.5]);
    expect(calls.map(({ request }) => request?.TableName)).toEqual(Array(3).fill('Midturn-Items'));
    expect(put).not.toHaveProperty('ConsumedCapacity');
    expect(read).not.toHaveProperty('ConsumedCapacity');
    expect(read.Item?.text?.S).toHaveLength(2500);
    expect(asked.ConsumedCapacity).toMatchObject({ CapacityUnits: 0.5 });
  });
});
