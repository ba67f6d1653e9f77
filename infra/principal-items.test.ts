import { CreateTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient, GetCommand, PutCommand, ScanCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { epochMs } from '../config/units.ts';
import { asConnectionId, asLaneId, asMessageId, asSessionId } from '../core/ids.ts';
import type { Principal } from '../core/store/items.ts';
import {
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
} from '../core/store/keys.ts';
import { startTables, type TableServer } from '../local/tables.ts';
import { tableSchema } from '../test/support/table-schema.ts';
import { deleteItems, itemsOf, leavePlaces } from './principal-items.ts';

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
