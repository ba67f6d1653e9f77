import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { CreateTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient, GetCommand, PutCommand, ScanCommand } from '@aws-sdk/lib-dynamodb';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { epochMs } from '../config/units.ts';
import { asConnectionId, asLaneId, asMessageId, asSessionId } from '../core/ids.ts';
import type { Principal } from '../core/store/items.ts';
import {
  cachedAnswerKey,
  cacheNoteKey,
  connectionKey,
  entryKey,
  eventsKey,
  laneKey,
  listingKey,
  messageKey,
  principalSpendKey,
  principalTurnsKey,
  rateKey,
  sessionKey,
  sessionOf,
  tenantTurnsKey,
  tokenKey,
} from '../core/store/keys.ts';
import { startTables, type TableServer } from '../local/tables.ts';
import { tableSchema } from '../test/support/table-schema.ts';
import { disconnect } from './disconnect.ts';
import { connectionsOf, deleteItems, itemsOf, leavePlaces } from './principal-items.ts';

const TABLE = 'sessions';
let tables: TableServer;
let client: DynamoDBDocumentClient;

beforeAll(async () => {
  tables = await startTables(undefined, () => {});
  const config = {
    endpoint: tables.endpoint,
    region: 'us-east-1',
    credentials: tables.credentials,
  };
  client = DynamoDBDocumentClient.from(new DynamoDBClient(config));
  await client.send(
    new CreateTableCommand({
      TableName: TABLE,
      ...tableSchema(),
    }),
  );
});
afterAll(async () => {
  client?.destroy();
  await tables?.close();
});

const CHAT = asSessionId('chat');

/** One item of each kind. @returns how many */
async function fill(principal: Principal, tag: string): Promise<number> {
  const session = sessionOf(principal, CHAT);
  const items: [{ pk: string; sk: string }, object?][] = [
    [connectionKey(asConnectionId(`connection-${tag}`)), { session }],
    [tokenKey(asConnectionId(`connection-${tag}`)), { session }],
    [laneKey(session, asLaneId(`lane-${tag}`))],
    [sessionKey(session)],
    [messageKey(session, asMessageId('m'))],
    [listingKey(principal, { created: epochMs(1), sessionId: CHAT })],
    [rateKey(principal, 'frames', 7)],
    [principalTurnsKey(session)],
    [principalSpendKey(session, '2026-11-30')],
    [principalSpendKey(session, '2026-12-01')],
    ...Array.from({ length: 30 }, (_, n): [{ pk: string; sk: string }] => [entryKey(session, n)]),
    [eventsKey(session, 9)],
  ];
  for (const [{ pk, sk }, attributes] of items) {
    await client.send(new PutCommand({ TableName: TABLE, Item: { pk, sk, ...attributes } }));
  }
  return items.length;
}

it('deletes everything of one principal, and nothing of another, even with a similar name', async () => {
  const ann = { tenant: 'acme', subject: 'ann' };
  const ofAnn = await fill(ann, '1');
  const ofOthers =
    (await fill({ tenant: 'acme', subject: 'anna' }, '2')) +
    (await fill({ tenant: 'acme', subject: 'ann#x' }, '3')) +
    (await fill({ tenant: 'acm', subject: 'ann' }, '4'));

  expect(await deleteItems(client, TABLE, itemsOf(client, TABLE, ann))).toBe(ofAnn);

  const left = await client.send(new ScanCommand({ TableName: TABLE, Select: 'COUNT' }));
  expect(left.Count).toBe(ofOthers);
});

it('P12: deletes cached answers before the notes of them, each once: a run that fails is repeated', async () => {
  const ann = { tenant: 'cache', subject: 'ann' };
  const [one, other] = ['one', 'other'].map((id) => sessionOf(ann, asSessionId(id)));
  if (!one || !other) throw new Error('no sessions');
  const [shared, alone] = [cachedAnswerKey('shared'), cachedAnswerKey('alone')];
  const notes = [cacheNoteKey(one, shared), cacheNoteKey(other, shared), cacheNoteKey(other, alone)];
  const foreign = cacheNoteKey(sessionOf({ ...ann, subject: 'bob' }, CHAT), cachedAnswerKey('foreign'));
  for (const { pk, sk } of [shared, alone, ...notes, foreign])
    await client.send(new PutCommand({ TableName: TABLE, Item: { pk, sk } }));
  const found: string[] = [];
  for await (const { pk, sk } of itemsOf(client, TABLE, ann)) found.push(`${pk} ${sk}`);
  const inOrder = (keys: { pk: string; sk: string }[]) => keys.map(({ pk, sk }) => `${pk} ${sk}`).toSorted();
  expect(found.slice(0, 2).toSorted()).toEqual(inOrder([shared, alone]));
  expect(found.slice(2).toSorted()).toEqual(inOrder(notes));
});

it('gives back the places of one principal’s turns in the count of its tenant, and those of nobody else', async () => {
  const place = (subject: string) => ({ session: sessionOf({ tenant: 'turns', subject }, CHAT), lane: 'l' });
  const key = tenantTurnsKey(sessionOf({ tenant: 'turns', subject: 'ann' }, CHAT));
  const slots = { a1: place('ann'), b1: place('anna'), a2: place('ann') };
  await client.send(new PutCommand({ TableName: TABLE, Item: { ...key, slots } }));
  await leavePlaces(client, TABLE, { tenant: 'turns', subject: 'ann' });
  const { Item } = await client.send(new GetCommand({ TableName: TABLE, Key: key }));
  expect(Item?.slots).toEqual({ b1: place('anna') });
  // A tenant without a count.
  await leavePlaces(client, TABLE, { tenant: 'none', subject: 'ann' });
});

it('P12: a connection that could not be closed is not forgotten, so that the command finds it again', async () => {
  const statuses = [503, 204];
  const api = createServer((_, response) => void response.writeHead(statuses.shift() ?? 500).end());
  await new Promise<void>((resolve) => api.listen(0, '127.0.0.1', resolve));
  const endpoint = `http://127.0.0.1:${(api.address() as AddressInfo).port}/live`;
  vi.stubEnv('AWS_REGION', 'us-east-1');
  vi.stubEnv('AWS_ACCESS_KEY_ID', tables.credentials.accessKeyId);
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', tables.credentials.secretAccessKey);
  vi.stubEnv('AWS_ENDPOINT_URL_DYNAMODB', tables.endpoint);
  const [ann, bob] = ['ann', 'bob'].map((subject) => ({ tenant: 'open', subject }));
  if (!ann || !bob) throw new Error('nobody');
  const open = [
    [asConnectionId('of-ann'), sessionOf(ann, CHAT)],
    [asConnectionId('of-ann-too'), sessionOf(ann, asSessionId('other'))],
    [asConnectionId('of-bob'), sessionOf(bob, CHAT)],
  ] as const;
  for (const [id, session] of open)
    await client.send(new PutCommand({ TableName: TABLE, Item: { ...connectionKey(id), session } }));
  const close = () => disconnect({ table: TABLE, endpoint }, ann, CHAT);
  try {
    await expect(close()).rejects.toThrow();
    expect(await close()).toBe(1);
    expect(await close()).toBe(0);
  } finally {
    vi.unstubAllEnvs();
    api.closeAllConnections();
    await new Promise((resolve) => api.close(resolve));
  }
  const left: string[] = [];
  for (const owner of [ann, bob]) for await (const id of connectionsOf(client, TABLE, owner)) left.push(id);
  expect(left).toEqual(['of-ann-too', 'of-bob']);
});

it('deletes also what DynamoDB leaves of a batch, however often it does', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 0, max: 60 }),
      fc.array(fc.integer({ min: 0, max: 25 }), { maxLength: 8 }),
      async (count, leaves) => {
        const deleted: string[] = [];
        const server = createServer(async (request, response) => {
          const { RequestItems } = (await json(request)) as { RequestItems: Record<string, Deletions> };
          const all = RequestItems[TABLE] ?? [];
          expect(all.length).toBeLessThanOrEqual(25);
          // A batch of which nothing is done is not what DynamoDB answers for ever.
          const left = Math.min(leaves.shift() ?? 0, all.length);
          deleted.push(...all.slice(left).map(({ DeleteRequest }) => DeleteRequest.Key.sk.S));
          response.writeHead(200, { 'content-type': 'application/x-amz-json-1.0' });
          response.end(JSON.stringify({ UnprocessedItems: left ? { [TABLE]: all.slice(0, left) } : {} }));
        });
        await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
        const loopback = DynamoDBDocumentClient.from(
          new DynamoDBClient({
            endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
            region: 'us-east-1',
            credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
          }),
        );
        const keys = Array.from({ length: count }, (_, n) => ({ pk: 'p', sk: String(n) }));
        async function* items() {
          yield* keys;
        }
        expect(await deleteItems(loopback, TABLE, items())).toBe(count);
        loopback.destroy();
        server.closeAllConnections();
        await new Promise((resolve) => server.close(resolve));
        expect(deleted.toSorted()).toEqual(keys.map(({ sk }) => sk).toSorted());
      },
    ),
    { numRuns: 20 },
  );
});

type Deletions = { DeleteRequest: { Key: { sk: { S: string } } } }[];
