import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { BatchWriteCommand, DynamoDBDocumentClient, paginateScan } from '@aws-sdk/lib-dynamodb';
import { asSessionId } from '../core/ids.ts';
import type { Principal } from '../core/store/items.ts';
import { listingAt, rateKey, sessionOf } from '../core/store/keys.ts';

/**
 * `node infra/delete-principal.ts <table> <tenant> <subject> [--yes]`: deletes all items of one principal. Without `--yes`
 * it counts them. See docs/operations.md.
 */

/** DynamoDB accepts at most this many deletions in one request. */
const BATCH = 25;

interface Found {
  pk: string;
  sk: string;
}

/**
 * The keys of all items of a principal: sessions and their parts, the list of sessions, connections and rates. Reads the
 * whole table, because no function needs an index by principal.
 */
export async function* itemsOf(
  client: DynamoDBDocumentClient,
  table: string,
  principal: Principal,
): AsyncGenerator<Found> {
  const session = sessionOf(principal, asSessionId(''));
  const pages = paginateScan(
    { client },
    {
      TableName: table,
      ConsistentRead: true,
      ProjectionExpression: 'pk, sk',
      FilterExpression:
        'begins_with(pk, :sessions) OR pk = :list OR begins_with(pk, :rates) OR begins_with(#session, :session)',
      ExpressionAttributeNames: { '#session': 'session' },
      ExpressionAttributeValues: {
        ':session': session,
        ':sessions': `SESSION#${session}`,
        ':list': listingAt(principal, '').pk,
        ':rates': rateKey(principal, '', 0).pk.replace(/#0$/, ''),
      },
    },
  );
  for await (const { Items = [] } of pages) yield* Items as Found[];
}

export async function deleteItems(
  client: DynamoDBDocumentClient,
  table: string,
  items: AsyncIterable<Found>,
): Promise<number> {
  let deleted = 0;
  let batch: Found[] = [];
  const flush = async () => {
    let left = batch.map((Key) => ({ DeleteRequest: { Key } }));
    while (left.length > 0) {
      const { UnprocessedItems } = await client.send(
        new BatchWriteCommand({ RequestItems: { [table]: left } }),
      );
      left = (UnprocessedItems?.[table] ?? []) as typeof left;
    }
    deleted += batch.length;
    batch = [];
  };
  for await (const { pk, sk } of items) {
    batch.push({ pk, sk });
    if (batch.length === BATCH) await flush();
  }
  await flush();
  return deleted;
}

async function main(): Promise<void> {
  const [table, tenant, subject, ...flags] = process.argv.slice(2);
  if (!table || !tenant || !subject || flags.some((flag) => flag !== '--yes')) {
    console.error('usage: node infra/delete-principal.ts <table> <tenant> <subject> [--yes]');
    process.exitCode = 2;
    return;
  }
  const client = DynamoDBDocumentClient.from(new DynamoDBClient({}));
  const items = itemsOf(client, table, { tenant, subject });
  if (flags.length > 0) {
    console.log(`${await deleteItems(client, table, items)} items deleted`);
    return;
  }
  let count = 0;
  for await (const _ of items) count += 1;
  console.log(`${count} items of ${tenant}/${subject}; --yes deletes them`);
}

if (import.meta.main) await main();
