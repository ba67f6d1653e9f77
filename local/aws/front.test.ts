import {
  ApiGatewayManagementApiClient,
  PostToConnectionCommand,
} from '@aws-sdk/client-apigatewaymanagementapi';
import { DynamoDBClient, GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { ReceiveMessageCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Access, Call } from './access.ts';
import { type AccessKey, newAccessKey } from './access-key.ts';
import { secretArn } from './secret-arn.ts';
import { sign } from './signature.ts';
import { KEY, OPERATOR, startTestFront, type TestFront } from './test-front.ts';

const STRANGER = newAccessKey();
const USER = 'arn:aws:sts::000000000000:assumed-role/Midturn-WorkerRole/Midturn-Worker';

let front: TestFront;
let origin: string;
let access: Access;

beforeAll(async () => {
  front = await startTestFront();
  ({ origin, access } = front);
});

afterAll(() => front.close());

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
  forged = (signature: string) => signature,
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
  const authorization = `AWS4-HMAC-SHA256 Credential=${scope}, SignedHeaders=x-amz-date, Signature=${forged(signature)}`;
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
    const expected = { SecretString: 'the välue', ARN: secretArn('known'), Name: 'known' };
    expect(await client.send(secret('known'))).toMatchObject(expected);
    expect(await client.send(secret(secretArn('known')))).toMatchObject(expected);
    expect(await client.send(secret(secretArn('known').slice(0, -7)))).toMatchObject(expected);
  });

  it('reaches its function, without an event as well, and no other', async () => {
    const path = (name: string) => `/2015-03-31/functions/${name}/invocations`;
    const calls: Call[] = [];
    const stop = access.onCall((call) => calls.push(call));
    const answer = await send('lambda', path('Midturn-Worker'), { body: '' });
    expect([answer.status, await answer.json()]).toEqual([200, {}]);
    expect((await send('lambda', path('Midturn-Other'))).status).toBe(403);
    await expect
      .poll(() => calls)
      .toMatchObject([
        { operation: 'Invoke', allowed: true, responseBytes: 2 },
        { operation: 'Invoke', allowed: false },
      ]);
    stop();
  });

  it('reaches Bedrock, and its answer streams', async () => {
    const response = await send('bedrock', '/model/good.model/converse-stream');
    const reader = response.body?.getReader();
    const next = async () => Buffer.from((await reader?.read())?.value ?? []).toString();
    expect(await next()).toBe('first');
    front.finishStream();
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

  it.each<[string, (signature: string) => string]>([
    ['cut', (signature) => signature.slice(0, -1)],
    ['continued', (signature) => `${signature}0`],
    ['in other letters', (signature) => signature.toUpperCase()],
  ])('by its signature, which is %s', async (_, forged) => {
    const target = { 'x-amz-target': 'secretsmanager.GetSecretValue', body: '{"SecretId":"known"}' };
    expect((await send('secretsmanager', '/', target)).status).toBe(200);
    const refused = await send('secretsmanager', '/', target, forged);
    expect(await refused.json()).toMatchObject({ __type: 'InvalidSignatureException' });
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
    ['DynamoDB_20120810.GetItem', 400, 'com.amazon.coral.service#MissingAuthenticationTokenException', '1.0'],
    ['AmazonSQS.SendMessage', 403, 'com.amazon.coral.service#MissingAuthenticationTokenException', '1.0'],
    ['AWSEvents.PutEvents', 400, 'MissingAuthenticationTokenException', '1.1'],
    ['secretsmanager.GetSecretValue', 400, 'MissingAuthenticationTokenException', '1.1'],
  ])('without a signature: %s', async (target, status, __type, version) => {
    const response = await fetch(origin, { method: 'POST', headers: { 'x-amz-target': target }, body: '{}' });
    expect(response.status).toBe(status);
    expect(response.headers.get('content-type')).toBe(`application/x-amz-json-${version}`);
    expect(await response.json()).toMatchObject({ __type });
  });

  it('by the key of operators, which opens the management API alone, whatever a role allows', async () => {
    expect((await management(OPERATOR).send(post('other'))).$metadata.httpStatusCode).toBe(200);
    await expect(new DynamoDBClient(config(OPERATOR)).send(item('b'))).rejects.toMatchObject({
      name: 'UnrecognizedClientException',
    });
    await expect(
      management({ ...OPERATOR, secretAccessKey: 'local' }).send(post('other')),
    ).rejects.toMatchObject({ name: 'InvalidSignatureException' });
  });

  it('but a developer may invoke a function unsigned', async () => {
    const path = `${origin}/2015-03-31/functions/worker/invocations`;
    const response = await fetch(path, { method: 'POST', body: '{"a":1}' });
    expect([response.status, await response.json()]).toEqual([200, { a: 1 }]);
    expect((await fetch(path)).status).toBe(404);
  });

  it.each([KEY, OPERATOR])('and a path that the management API does not know, signed or not', async (key) => {
    front.manages(false);
    const request = management(key).send(post('open-1'));
    await expect(request).rejects.toMatchObject({ name: 'SerializationException' });
    front.manages(true);
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
  expect(await client.send(secret('known'))).toMatchObject({ SecretString: 'the välue' });
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

  it('hears of a refused call, with the bytes of its answer, whatever its letters', async () => {
    const calls: Call[] = [];
    const stop = access.onCall((call) => calls.push(call));
    const bodies: number[] = [];
    for (const [service, path, body] of [
      ['lambda', `/2015-03-31/functions/${encodeURIComponent('größe')}/invocations`, '{}'],
      ['dynamodb', '/', '{"TableName":"größe"}'],
    ] as const) {
      const target = { 'x-amz-target': 'DynamoDB_20120810.Query', body };
      bodies.push((await (await send(service, path, target)).arrayBuffer()).byteLength);
    }
    stop();
    expect(calls).toMatchObject([
      { service: 'lambda', operation: 'Invoke', allowed: false },
      { service: 'dynamodb', operation: 'Query', allowed: false },
    ]);
    expect(calls.map(({ responseBytes }) => responseBytes)).toEqual(bodies);
  });

  it('hears the bytes that a service of the local cloud answers, whatever its letters', async () => {
    const calls: Call[] = [];
    const stop = access.onCall((call) => calls.push(call));
    const target = { 'x-amz-target': 'secretsmanager.GetSecretValue', body: '{"SecretId":"known"}' };
    const answer = await (await send('secretsmanager', '/', target)).arrayBuffer();
    stop();
    expect(calls).toMatchObject([{ requestBytes: target.body.length, responseBytes: answer.byteLength }]);
  });

  it('that asks for it hears what capacity a call consumed, which the function does not see', async () => {
    const calls: Call[] = [];
    const stop = access.onCall((call) => calls.push(call), { capacity: true });
    const client = new DynamoDBClient(config());
    const TEXT = `${'x'.repeat(2490)}${'é'.repeat(5)}`;
    const big = new PutItemCommand({
      TableName: 'Midturn-Items',
      Item: { pk: { S: 'big' }, text: { S: TEXT } },
    });
    const put = await client.send(big);
    const key = { TableName: 'Midturn-Items', Key: { pk: { S: 'big' } } };
    const read = await client.send(new GetItemCommand({ ...key, ConsistentRead: true }));
    const asked = await client.send(new GetItemCommand({ ...key, ReturnConsumedCapacity: 'TOTAL' }));
    const again = new PutItemCommand({ ...big.input, ConditionExpression: 'attribute_not_exists(pk)' });
    await expect(client.send(again)).rejects.toMatchObject({ name: 'ConditionalCheckFailedException' });
    await expect.poll(() => calls).toHaveLength(4);
    stop();
    expect(calls.map(({ capacityUnits }) => capacityUnits)).toEqual([3, 1, 0.5, undefined]);
    expect(calls.map(({ conditionFailed }) => conditionFailed)).toEqual([...Array(3), true]);
    expect(calls.map(({ request }) => request?.TableName)).toEqual(Array(4).fill('Midturn-Items'));
    expect(put).not.toHaveProperty('ConsumedCapacity');
    expect(read).not.toHaveProperty('ConsumedCapacity');
    expect(read.Item?.text?.S).toBe(TEXT);
    expect(asked.ConsumedCapacity).toMatchObject({ CapacityUnits: 0.5 });
  });
});
