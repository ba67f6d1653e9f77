import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { CreateTableCommand, type CreateTableCommandInput, GetItemCommand } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import {
  ACCOUNT_ID,
  ACCOUNT_REGION,
  type AwsAccountStandIn,
  startAwsAccount,
} from '../../../test/support/aws-account.ts';
import { temporaryFolder } from '../../../test/support/temporary-folder.ts';
import type { Log } from '../../log.ts';
import { arn } from '../../world.ts';
import { type JsonBody, parseJson, readBody, replay } from '../json-body.ts';
import { createSecrets } from '../secrets.ts';
import { openAccount } from './account.ts';
import { planRealAws } from './plan.ts';
import { readServices } from './services.ts';
import { createRealTables } from './tables.ts';

const TABLE: CreateTableCommandInput = {
  TableName: 'shop-orders',
  KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
  AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
  BillingMode: 'PAY_PER_REQUEST',
};

let aws: AwsAccountStandIn;
const said: string[] = [];
const log: Log = ({ text }) => void said.push(text);

beforeAll(async () => {
  aws = await startAwsAccount(temporaryFolder(), {
    stacks: {
      Shop: { Orders: 'shop-orders', Key: `arn:aws:secretsmanager:eu-west-1:${ACCOUNT_ID}:secret:k-1` },
    },
    secrets: { 'shop/key': 'real', [`arn:aws:secretsmanager:eu-west-1:${ACCOUNT_ID}:secret:k-1`]: 'made' },
  });
  await aws.dynamodb.send(new CreateTableCommand(TABLE));
});
afterAll(() => aws?.close());
beforeEach(() => {
  said.length = 0;
  for (const name of ['AWS_REGION', 'AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN'])
    vi.stubEnv(name, undefined);
  for (const [name, value] of Object.entries(aws.environment)) vi.stubEnv(name, value);
  return () => vi.unstubAllEnvs();
});

describe('`--aws` reads names of services', () => {
  it('with commas between, or several times', () => {
    expect([...readServices(['dynamodb, bedrock', 'secretsmanager'])]).toEqual([
      'dynamodb',
      'bedrock',
      'secretsmanager',
    ]);
  });

  it.each([
    ['sqs', /^--aws: sqs stays local: .* It can be dynamodb, secretsmanager, bedrock\.$/],
    ['s3', /^--aws: s3 stays local: /],
    ['constructor', /^--aws: there is no "constructor"\. It can be /],
  ])('and refuses %s, with the reason', (name, why) => {
    expect(() => readServices([name])).toThrow(why);
  });
});

describe('the account of a profile', () => {
  it('is said at the start, with the region, and with what is used of the stack that the app is deployed as', async () => {
    const account = await openAccount({ log });
    expect([account.id, account.region]).toEqual([ACCOUNT_ID, ACCOUNT_REGION]);
    const resource = (Type: string, path: string) => ({ Type, Metadata: { 'aws:cdk:path': path } });
    const plan = await planRealAws(account, {
      services: readServices(['dynamodb']),
      deployment: { stackName: 'Shop' },
      midturns: ['Shop/Chat'],
      template: {
        Resources: {
          Orders: resource('AWS::DynamoDB::GlobalTable', 'Shop/Orders/Resource'),
          Ledger: resource('AWS::DynamoDB::Table', 'Shop/Ledger/Resource'),
          ChatTable: resource('AWS::DynamoDB::Table', 'Shop/Chat/Table/Resource'),
          Key: resource('AWS::SecretsManager::Secret', 'Shop/Key/Resource'),
        },
      },
    });
    expect(plan.lines).toEqual([
      'aws dynamodb of account 111122223333 in eu-west-1, as arn:aws:iam::111122223333:user/ada',
      'aws table Orders is shop-orders of the stack Shop',
      'aws table Ledger is local: the stack Shop has none',
    ]);
    expect([...plan.aws.physicalIds]).toEqual([['Orders', 'shop-orders']]);
  });

  it.each<[string, Record<string, string>, RegExp]>([
    [
      'no credentials',
      { AWS_PROFILE: 'stranger', AWS_REGION: 'eu-west-1' },
      /^AWS_CREDENTIALS_MISSING: profile stranger: .* --profile\.$/,
    ],
    [
      'credentials that AWS does not take',
      { AWS_PROFILE: '', AWS_REGION: 'eu-west-1', AWS_ACCESS_KEY_ID: 'AK', AWS_SECRET_ACCESS_KEY: 's' },
      /^AWS_CREDENTIALS_REFUSED: no: UnrecognizedClientException$/,
    ],
    ['no region', { AWS_PROFILE: 'stranger' }, /^AWS_REGION_MISSING: /],
    ['no network', { AWS_ENDPOINT_URL_STS: 'http://127.0.0.1:1' }, /^AWS_UNREACHABLE: 127\.0\.0\.1:1: /],
  ])('is refused with %s, in one line with a code', async (_what, env, why) => {
    for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
    const failure = await openAccount({ log }).catch((error: Error) => error);
    expect(failure).toMatchObject({ name: 'LocalCloudError', message: expect.stringMatching(why) });
    expect(String(failure)).not.toContain('\n');
  });

  it('is refused if the app is of another account, or its stack is not there', async () => {
    const account = await openAccount({ log });
    const template = { Resources: { Orders: { Type: 'AWS::DynamoDB::Table' } } };
    const plan = (deployment: { stackName: string; account?: string }) =>
      planRealAws(account, { services: readServices(['dynamodb']), deployment, template, midturns: [] });
    await expect(plan({ stackName: 'Shop', account: '999999999999' })).rejects.toThrow(
      'AWS_ACCOUNT_MISMATCH: the stack Shop is of account 999999999999',
    );
    await expect(plan({ stackName: 'Shp' })).rejects.toThrow(
      'AWS_STACK_NOT_FOUND: account 111122223333 in eu-west-1 has no stack Shp: deploy it, or name another with --aws-stack.',
    );
  });
});

/** Asks an upstream's tables as the front does. Only `local` is a table of this machine. */
async function ask(
  operation: string,
  body: object,
): Promise<{ status: number; body: Record<string, unknown> }> {
  const account = await openAccount({ log });
  const upstream = account.upstream('dynamodb');
  const tables = createRealTables((name) => name === 'local', upstream);
  const server = createServer(async (request, response) => {
    const { bytes, value } = (await readBody(request).then((read) => read && parseJson(read))) as JsonBody;
    const call = { name: operation, value, request: replay(request, bytes), response };
    if (!tables.serve(call, () => {})) response.writeHead(204).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    upstream.close();
    server.closeAllConnections();
    server.close();
  });
  const answer = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`, {
    method: 'POST',
    // As a function sends it, whose signature nobody outside this machine knows.
    headers: {
      'x-amz-target': `DynamoDB_20120810.${operation}`,
      'content-type': 'application/x-amz-json-1.0',
      authorization: 'AWS4-HMAC-SHA256 Credential=LOCAL/20260101/us-east-1/dynamodb/aws4_request',
      'x-amz-security-token': 'local',
    },
    body: JSON.stringify(body),
  });
  const text = await answer.text();
  return { status: answer.status, body: text === '' ? {} : JSON.parse(text) };
}

describe('DynamoDB of the account', () => {
  const Item = { id: { S: 'o1' }, colour: { S: 'red' } };

  it('is asked about tables that are not here, by their names or ARNs, with the signature of the profile', async () => {
    const TableName = arn('dynamodb', 'table/shop-orders');
    expect(await ask('PutItem', { TableName, Item })).toEqual({ status: 200, body: {} });
    const Key = { id: { S: 'o1' } };
    expect(await ask('BatchGetItem', { RequestItems: { [TableName]: { Keys: [Key] } } })).toMatchObject({
      body: { Responses: { 'shop-orders': [Item] } },
    });
    const stored = await aws.dynamodb.send(new GetItemCommand({ TableName: 'shop-orders', Key }));
    expect(stored.Item).toEqual(Item);
  });

  it('is not asked about tables of this machine', async () => {
    expect((await ask('GetItem', { TableName: 'local', Key: {} })).status).toBe(204);
    const mixed = ['local', 'shop-orders'].map((TableName) => ({ Put: { TableName, Item } }));
    const { status, body } = await ask('TransactWriteItems', { TransactItems: mixed });
    expect([status, body.Message]).toEqual([
      400,
      'shop-orders is in your AWS account, and another table of this TransactWriteItems is on this machine.',
    ]);
  });

  it.each(['CreateTable', 'DeleteTable', 'UpdateTable', 'UpdateTimeToLive', 'DeleteBackup'])(
    'is not asked to %s',
    async (operation) => {
      const before = aws.asked.length;
      const { status, body } = await ask(operation, { TableName: 'shop-orders' });
      expect([status, body.Message]).toEqual([
        400,
        `shop-orders is in your AWS account: midturn dev passes ${operation} on to no account.`,
      ]);
      expect(aws.asked.slice(before).filter((one) => one.startsWith('dynamodb'))).toEqual([]);
    },
  );
});

describe('credentials that expire while the local cloud runs', () => {
  it('are named once, and new ones of the profile are taken without a restart', async () => {
    const account = await openAccount({ log });
    const get = () =>
      account.ask('secretsmanager', 'secretsmanager.GetSecretValue', { SecretId: 'shop/key' });
    expect((await get()).status).toBe(200);
    aws.expire();
    for (const _ of [1, 2]) expect((await get()).status).toBe(400);
    expect(said).toEqual([
      'AWS_CREDENTIALS_REFUSED: secretsmanager in eu-west-1 answers ExpiredToken. Sign in again: the next request takes the new ones.',
    ]);
    await aws.signIn();
    expect(await get()).toMatchObject({ status: 200, body: { SecretString: 'real' } });
  });
});

it('Secrets Manager of the account has the secrets that are not given here, by name and by ARN', async () => {
  const account = await openAccount({ log });
  const secrets = createSecrets({ 'here/key': 'local' }, (request) =>
    account.ask('secretsmanager', 'secretsmanager.GetSecretValue', request),
  );
  const made = `arn:aws:secretsmanager:eu-west-1:${ACCOUNT_ID}:secret:k-1`;
  const named = arn('secretsmanager', 'secret:shop/key');
  for (const [SecretId, value] of [
    ['here/key', 'local'],
    ['shop/key', 'real'],
    [named, 'real'],
    [made, 'made'],
  ])
    expect(await secrets.answer('GetSecretValue', { SecretId })).toMatchObject({
      body: { SecretString: value },
    });
  expect(secrets.operation('GetSecretValue', { SecretId: made }).needs).toEqual([
    { action: 'secretsmanager:GetSecretValue', resource: made },
  ]);
  expect(await secrets.answer('DeleteSecret', { SecretId: made })).toMatchObject({ status: 400 });
});

it('a model of the account streams: what it has said arrives before its end', async () => {
  const upstream = (await openAccount({ log })).upstream('bedrock');
  const server = createServer(async (request, response) => {
    const body = (await readBody(request)) ?? Buffer.alloc(0);
    upstream.pass(replay(request, body), response, body, () => {});
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    upstream.close();
    server.close();
  });
  const path = '/model/eu.anthropic.claude%3A0/converse-stream';
  const answer = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`, {
    method: 'POST',
    body: '{}',
  });
  const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader();
  expect((await reader?.read())?.value).toBe(`first of ${path}`);
  await openAccount({ log });
  expect((await reader?.read())?.value).toBe(', second');
});
