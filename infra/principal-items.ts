import { BatchWriteCommand, type DynamoDBDocumentClient, paginateScan } from '@aws-sdk/lib-dynamodb';
import { asSessionId } from '../core/ids.ts';
import type { Principal } from '../core/store/items.ts';
import { listingAt, rateKey, sessionOf } from '../core/store/keys.ts';

/** Everything that a table holds of one principal, for `npm run delete-principal`. */

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
