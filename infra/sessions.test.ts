import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { CreateTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dynamoStore } from '../aws/dynamodb/store.ts';
import { epochMs, epochSeconds } from '../config/units.ts';
import { asSessionId } from '../core/ids.ts';
import { sessionKey, sessionOf } from '../core/store/keys.ts';
import { startTables, type TableServer } from '../local/tables.ts';
import { MAX_LABEL_LENGTH } from '../protocol/limits.ts';
import { tableSchema } from '../test/support/table-schema.ts';

const TABLE = 'sessions';
const ANN = { tenant: 'acme', subject: 'ann' };
let tables: TableServer;
let env: Record<string, string | undefined>;
const at = (id: string) => sessionKey(sessionOf(ANN, asSessionId(id)));
const store = () =>
  dynamoStore(TABLE, { endpoint: tables.endpoint, credentials: tables.credentials, region: 'local' });

beforeAll(async () => {
  tables = await startTables(undefined, () => {});
  const { accessKeyId, secretAccessKey } = tables.credentials;
  const client = new DynamoDBClient({
    endpoint: tables.endpoint,
    region: 'local',
    credentials: { accessKeyId, secretAccessKey },
  });
  await client.send(new CreateTableCommand({ TableName: TABLE, ...tableSchema() }));
  client.destroy();
  for (const [id, more] of Object.entries({ chat: {}, gone: { deleted: epochMs(1) } }))
    await store().put(at(id), {
      principal: ANN,
      sessionId: asSessionId(id),
      created: epochMs(1),
      queue: {},
      audience: {},
      seq: 0,
      entry: 0,
      expires: epochSeconds(4_000_000_000),
      ...more,
    });
  env = {
    PATH: process.env.PATH,
    TMPDIR: process.env.TMPDIR,
    AWS_REGION: 'local',
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    AWS_ENDPOINT_URL_DYNAMODB: tables.endpoint,
  };
});
afterAll(() => tables?.close());

const run = (file: string, ...words: string[]): Promise<[code: number, out: string, err: string]> =>
  new Promise((resolve) => {
    execFile(process.execPath, [join(import.meta.dirname, file), ...words], { env }, (error, out, err) =>
      resolve([Number(error?.code ?? 0), out, err]),
    );
  });
const command = (...words: string[]) => run('sessions.ts', '--table', TABLE, ...words);
const usage = expect.stringContaining('npm run sessions --');

describe('an operator’s command about a session', () => {
  it.each([
    [
      ['rename', 'chat', 'n'.repeat(MAX_LABEL_LENGTH + 1)],
      2,
      '',
      `A name has 1 to ${MAX_LABEL_LENGTH} characters.\n`,
    ],
    [['rename', 'gone', 'name'], 2, '', 'acme/ann has no session gone.\n'],
    [['export', 'chat', 'more'], 2, '', usage],
    [['delete', 'chat', '--yes'], 2, '', 'delete --yes needs --queue.\n'],
    [['disconnect', 'chat'], 2, '', 'disconnect needs --endpoint.\n'],
    [['delete', 'chat', '--principal'], 2, '', usage],
  ])('%j', async ([name = '', session = '', ...more], code, out, err) => {
    expect(await command(name, 'acme', 'ann', session, ...more)).toEqual([code, out, err]);
  });

  it('gives it a name as long as any, and no other session one', async () => {
    const name = 'n'.repeat(MAX_LABEL_LENGTH);
    expect(await command('rename', 'acme', 'ann', 'chat', name)).toEqual([
      0,
      `chat is now named ${name}\n`,
      '',
    ]);
    expect([await store().get(at('chat')), await store().get(at('gone'))]).toMatchObject([
      { name },
      { deleted: 1 },
    ]);
    expect(await store().get(at('gone'))).not.toHaveProperty('name');
  });
});

it.each([
  [['acme', 'ann'], 0, '2 items of acme/ann in sessions; --yes deletes them\n', ''],
  [['acme', 'ann', '--yes'], 2, '', expect.stringMatching(/^--yes needs --endpoint\n/)],
  [['acme', 'ann', 'more'], 2, '', expect.stringMatching(/^three words are needed\n/)],
])('an operator’s command about a principal deletes nothing by itself: %j', async (words, code, out, err) => {
  expect(await run('delete-principal.ts', TABLE, ...words)).toEqual([code, out, err]);
  expect(await store().get(at('chat'))).toBeDefined();
});
