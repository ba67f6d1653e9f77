import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { CreateTableCommand, ScanCommand } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { COMMANDS } from '../../cli/commands.ts';
import { pack, tarball } from '../../packaging/pack.ts';
import { type AwsAccountStandIn, startAwsAccount } from '../support/aws-account.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { LONG_TEST_MS } from '../support/timeouts.ts';
import { connect } from '../support/ws-client.ts';
import { type Running, type UserProject, unpackTarballs } from './user-project.ts';

/** Each builds, packs or synthesizes. */
vi.setConfig({ testTimeout: LONG_TEST_MS, hookTimeout: LONG_TEST_MS });

const packages = join(temporaryFolder(), 'packages');
let tarballs: string[];
let project: UserProject;

beforeAll(async () => {
  tarballs = await pack(packages);
  project = await unpackTarballs(temporaryFolder(), tarballs);
  await project.write('package.json', '{"name":"theirs","private":true}');
});

const digest = async (path: string) =>
  createHash('sha256')
    .update(await readFile(path))
    .digest('hex');

describe('the tarballs', () => {
  it('are the same bytes when they are built again', async () => {
    const again = await pack(join(temporaryFolder(), 'packages'));
    expect(await Promise.all(again.map(digest))).toEqual(await Promise.all(tarballs.map(digest)));
  });

  it.each(['midturn', 'midturn-client'])(
    '%s satisfies publint, and its types resolve for every ES module user',
    async (name) => {
      const linted = await project.bin('publint', ['run', join(packages, name), '--strict']);
      expect(linted.stdout).toContain('All good!');
      const path = tarballs.find((file) => basename(file).startsWith(`${name}-0`)) ?? '';
      const types = await project.bin('attw', [path, '--profile', 'esm-only', '--no-emoji', '--no-color']);
      expect(types.code, types.stdout).toBe(0);
      expect(types.stdout).not.toContain('No types');
    },
  );

  it('hold the licence, and neither tests, sources, the agent of this project nor an install script', async () => {
    for (const name of ['midturn', 'midturn-client']) {
      const folder = join(project.folder, 'node_modules', name);
      const files = (await readdir(folder, { recursive: true })).filter(
        (file) => !file.includes('node_modules'),
      );
      expect(files).toContain('LICENSE');
      expect(files.filter((file) => /(?<!\.d)\.tsx?$|\.test\.|^agent\b/.test(file))).toEqual([]);
      const { scripts = {} } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'));
      expect(scripts).toEqual({});
    }
  });

  it('name every package that they import, with the version that is tested here', async () => {
    const own = JSON.parse(await readFile(join(import.meta.dirname, '../../package.json'), 'utf8'));
    const { dependencies, peerDependencies } = JSON.parse(
      await readFile(join(packages, 'midturn', 'package.json'), 'utf8'),
    );
    const tested = { ...own.devDependencies, ...own.dependencies };
    for (const [name, range] of Object.entries<string>(dependencies)) expect(range).toBe(`^${tested[name]}`);
    expect(Object.keys(peerDependencies)).toEqual(['ai', 'aws-cdk-lib', 'constructs']);
  });

  it('are packed by npm alone: what `npm pack` makes of the folder is the tarball', async () => {
    const path = await tarball(join(packages, 'midturn'), temporaryFolder());
    expect(await digest(path)).toBe(await digest(tarballs[0] ?? ''));
  });
});

const APP = `
import { App, Stack } from 'aws-cdk-lib';
import { UserPool } from 'aws-cdk-lib/aws-cognito';
import { Midturn, MidturnAuth } from 'midturn/cdk';

const stack = new Stack(new App(), 'Theirs');
const users = new UserPool(stack, 'Users');
const auth = MidturnAuth.cognito(users, users.addClient('Web'));
new Midturn(stack, 'Chat', { agent: 'src/bot.ts', model: 'demo', auth });
`;

const AGENT = `
import { tool } from 'ai';
import { defineAgent } from 'midturn/agent';
import { z } from 'zod';

const price = tool({
  description: 'The price of an umbrella.',
  inputSchema: z.object({ colour: z.string() }),
  execute: async ({ colour }) => ({ colour, euros: 12 }),
});

export const agent = defineAgent({
  instructions: 'You sell umbrellas.',
  tools: { price: { tool: price, idempotent: true } },
});
`;

describe('a CDK app with the package', () => {
  beforeAll(async () => {
    await project.write('app.mts', APP);
    await project.write('src/bot.ts', AGENT);
    await project.write('cdk.json', '{"app":"node app.mts"}');
  });

  it('satisfies a strict compiler that reads our declarations too, and a wrong prop does not', async () => {
    await project.write('wrong.mts', APP.replace('agent: ', 'agnet: '));
    const options = { strict: true, noEmit: true, target: 'es2022', module: 'nodenext', types: ['node'] };
    const config = { compilerOptions: options, files: ['app.mts', 'wrong.mts', 'src/bot.ts'] };
    await project.write('tsconfig.json', JSON.stringify(config));
    const { stdout } = await project.bin('tsc', ['-p', '.', '--pretty', 'false']);
    const errors = stdout.split('\n').filter((line) => /error TS\d+/.test(line));
    expect(errors).toEqual([expect.stringMatching(/^wrong\.mts\(.*'agnet' does not exist/)]);
  });

  it('is synthesized with their agent in the turn function, and ours in none', async () => {
    const { code, stderr } = await project.bin('cdk', ['synth', '--quiet']);
    expect(code, stderr).toBe(0);
    const assets = await readdir(join(project.folder, 'cdk.out'));
    const turn: string[] = [];
    for (const name of assets.filter((asset) => asset.startsWith('asset.') && !asset.includes('.', 6))) {
      const text = await readFile(join(project.folder, 'cdk.out', name, 'index.mjs'), 'utf8').catch(() => '');
      if (text.includes('You sell umbrellas.')) turn.push(text);
    }
    expect(turn).toHaveLength(1);
    expect(turn[0]).not.toContain('waited_seconds');
  });

  it('is synthesized for an emulator by `midturn synth`: without what an emulator lacks, and with its address', async () => {
    const emulator = { AWS_ENDPOINT_URL: 'http://localhost:4566' };
    const { code, stdout, stderr } = await project.bin(
      'midturn',
      ['synth', '--output', 'emulated'],
      emulator,
    );
    expect(code, stderr).toBe(0);
    expect(stdout).toContain('Theirs in emulated.');
    expect(stdout).toContain('cdk deploy --app emulated');
    const text = await readFile(join(project.folder, 'emulated', 'Theirs.template.json'), 'utf8');
    const resources: { Type: string; DeletionPolicy?: string; Properties: Record<string, unknown> }[] =
      Object.values(JSON.parse(text).Resources);
    const types = resources.map(({ Type }) => Type);
    expect(types).not.toContain('AWS::CloudWatch::Alarm');
    expect(types).not.toContain('AWS::ApiGatewayV2::Authorizer');
    expect(text).toContain('http://localhost:4566/_aws/execute-api/');
    expect(resources.find(({ Type }) => /Table$/.test(Type))).toMatchObject({ DeletionPolicy: 'Delete' });
    // Their agent is in it, as in a deployment.
    const bundles = await readdir(join(project.folder, 'emulated'));
    expect(bundles.filter((name) => name.startsWith('asset.'))).not.toEqual([]);
  });

  it.each([
    ['no address', {}, 'AWS_ENDPOINT_URL is not set'],
    [
      'the address of AWS',
      { AWS_ENDPOINT_URL: 'https://dynamodb.us-east-1.amazonaws.com' },
      'no host of this machine',
    ],
  ])('is not synthesized for an emulator with %s', async (_what, env, why) => {
    const { code, stderr } = await project.bin('midturn', ['synth'], env);
    expect([code, stderr.split(':')[0]]).toEqual([1, 'midturn synth']);
    expect(stderr).toContain(why);
  });

  it('is told in one line what is wrong with its agent', async () => {
    await project.write('src/bot.ts', AGENT.replace('tools: {', 'maxRetries: 1, tools: {'));
    const { code, stderr } = await project.bin('cdk', ['synth', '--quiet']);
    expect(code).toBe(1);
    expect(stderr).toContain('src/bot.ts: The option maxRetries has no effect here.');
    await project.write('src/bot.ts', AGENT);
  });

  it('may be CommonJS', async () => {
    await project.write('old.cjs', "console.log(Object.keys(require('midturn/cdk')).join());");
    const { stdout, stderr } = await project.node(['old.cjs']);
    expect(stdout, stderr).toContain('Midturn,MidturnAuth');
  });
});

/** Two Midturns, and tables of their own, whose names in a template are those that the stand-in's stack has. */
const SHOP = `
import { App, Stack } from 'aws-cdk-lib';
import { AttributeType, Table } from 'aws-cdk-lib/aws-dynamodb';
import { Midturn, MidturnAuth } from 'midturn/cdk';

const stack = new Stack(new App(), 'Shop');
const [orders, ledger] = ['Orders', 'Ledger'].map((id) => {
  const table = new Table(stack, id, { partitionKey: { name: 'id', type: AttributeType.STRING } });
  table.node.defaultChild.overrideLogicalId(id);
  return table;
});
for (const id of ['Support', 'Sales']) {
  const { functions } = new Midturn(stack, id, { agent: 'src/shop.ts', model: 'demo', auth: MidturnAuth.tokens('t') });
  orders.grantWriteData(functions.turn);
  for (const [name, { tableName }] of Object.entries({ ORDERS: orders, LEDGER: ledger }))
    functions.turn.addEnvironment(name, tableName);
}
`;

const SELLER = `
import { DynamoDBClient, GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { tool } from 'ai';
import { defineAgent } from 'midturn/agent';
import { z } from 'zod';

const client = new DynamoDBClient({});
const ask = (description, send) => ({ tool: tool({ description, inputSchema: z.object({ id: z.string() }), execute: ({ id }) => send({ id: { S: id } }) }), idempotent: true });

export const agent = defineAgent({
  instructions: 'You sell umbrellas.',
  tools: {
    order: ask('Orders.', async (Item) => {
      await client.send(new PutItemCommand({ TableName: process.env.ORDERS, Item }));
      return process.env.ORDERS;
    }),
    book: ask('Looks into the ledger.', (Key) => client.send(new GetItemCommand({ TableName: process.env.LEDGER, Key }))),
  },
});
`;

describe('`midturn dev` of an app with two Midturns, with the DynamoDB of an AWS account', () => {
  let aws: AwsAccountStandIn;
  let dev: Running;

  beforeAll(async () => {
    aws = await startAwsAccount(temporaryFolder(), {
      stacks: { Shop: { Orders: 'shop-orders', Ledger: 'shop-ledger' } },
    });
    for (const TableName of ['shop-orders', 'shop-ledger'])
      await aws.dynamodb.send(
        new CreateTableCommand({
          TableName,
          KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
          AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
          BillingMode: 'PAY_PER_REQUEST',
        }),
      );
    await project.write('cdk.json', '{"app":"node shop.mts"}');
    await project.write('shop.mts', SHOP);
    await project.write('src/shop.ts', SELLER);
    dev = project.start(['dev', '--id', 'Support', '--aws', 'dynamodb'], { PORT: '0', ...aws.environment });
  });
  afterAll(() => Promise.all([dev?.stop(), aws?.close()]));

  it('says which Midturn runs, and what of which account is used', async () => {
    await dev.line(/^midturn ready /);
    expect(dev.lines.slice(0, 4)).toEqual([
      'midturn runs Shop/Support, without Shop/Sales',
      'aws dynamodb of account 111122223333 in eu-west-1, as arn:aws:iam::111122223333:user/ada',
      'aws table Orders is shop-orders of the stack Shop',
      'aws table Ledger is shop-ledger of the stack Shop',
    ]);
  });

  it('P12: a tool writes the real table by its grant, and is refused by IAM of this machine where it has none', async () => {
    const url = /ws:\S+/.exec(await dev.line(/^midturn ready /))?.[0] ?? '';
    const client = await connect(`${url}?session_id=real`);
    const results = [];
    for (const name of ['order', 'book']) {
      client.send({ type: 'message', content: `use ${name} {"id": "o1"}` });
      results.push(await client.next('tool_result'));
      await client.next('done');
    }
    await client.close();
    expect(results).toMatchObject([
      { output: 'shop-orders' },
      {
        is_error: true,
        output: expect.stringMatching(/not authorized .*dynamodb:GetItem.*table\/shop-ledger/),
      },
    ]);
    const { Items } = await aws.dynamodb.send(new ScanCommand({ TableName: 'shop-orders' }));
    expect(Items).toEqual([{ id: { S: 'o1' } }]);
    // Conversations stay here.
    expect(aws.asked).toEqual([
      'sts GetCallerIdentity',
      'cloudformation ListStackResources',
      'dynamodb PutItem',
    ]);
    expect(aws.refused).toEqual([]);
  });

  it.each([
    [
      [],
      1,
      'midturn dev: the app has several Midturns: Shop/Support, Shop/Sales. Choose one with --id; another one runs in a second terminal, with another PORT.',
    ],
    [['--aws', 'sqs'], 2, '--aws: sqs stays local: '],
  ])('%j is refused in one line', async (args, status, why) => {
    const { code, stderr } = await project.bin('midturn', ['dev', ...args]);
    expect([code, stderr.split('\n')[0]]).toEqual([status, expect.stringContaining(why)]);
  });
});

describe('the binary', () => {
  it('lists its commands', async () => {
    for (const args of [[], ['--help'], ['help']]) {
      const { code, stdout } = await project.bin('midturn', [...args]);
      expect(code).toBe(0);
      for (const [name, { says }] of Object.entries(COMMANDS))
        expect(stdout).toMatch(new RegExp(`^  ${name} +${says}$`, 'm'));
    }
  });

  it('refuses an unknown command with exit status 2', async () => {
    const { code, stderr } = await project.bin('midturn', ['fly']);
    expect([code, stderr.split('\n')[0]]).toEqual([2, 'There is no command fly.']);
    expect((await project.bin('midturn', ['constructor'])).code).toBe(2);
  });

  it.each(Object.keys(COMMANDS))(
    '%s explains itself under its name here, without colour in a pipe',
    async (name) => {
      const { code, stdout } = await project.bin('midturn', [name, '--help']);
      expect(stdout).toContain(`midturn ${name}`);
      expect(stdout).not.toContain('\u001b');
      expect(code).toBe(0);
    },
  );

  it.each(Object.keys(COMMANDS))(
    '%s refuses an option that it does not have with exit status 2, and explains itself',
    async (name) => {
      const { code, stdout, stderr } = await project.bin('midturn', [name, '--nonsense']);
      expect([code, stdout]).toEqual([2, '']);
      expect(stderr).toMatch(/^Unknown option '--nonsense'/);
      expect(stderr).toContain(`midturn ${name}`);
      expect(stderr).not.toContain('\u001b');
    },
  );
});
