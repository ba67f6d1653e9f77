import {
  type AttributeValue,
  ConditionalCheckFailedException,
  DeleteItemCommand,
  type DynamoDBClient,
  ScanCommand,
} from '@aws-sdk/client-dynamodb';

export interface ExpiringTable {
  name: string;
  /** Attributes of the primary key. */
  keys: readonly string[];
  /** The attribute with an item's expiry, in seconds since the epoch. */
  attribute: string;
}

/**
 * Removes items that expired before `now` (seconds since the epoch), unless their expiry was moved meanwhile. As with
 * DynamoDB, an item is removed by itself, whatever belongs to it, and in no order: at most so many at a time, chosen by
 * chance. Until then, reads show it. Source: "Using time to live (TTL) in DynamoDB", DynamoDB developer guide.
 * @returns how many were removed
 */
export async function removeExpired(
  client: DynamoDBClient,
  table: ExpiringTable,
  now: number,
  atMost: (expired: number) => number,
): Promise<number> {
  const expired = await findExpired(client, table, now);
  const chosen = shuffled(expired).slice(0, atMost(expired.length));
  const removed = await Promise.all(chosen.map((key) => remove(client, table, key, now)));
  return removed.filter(Boolean).length;
}

type Key = Record<string, AttributeValue>;

async function findExpired(client: DynamoDBClient, table: ExpiringTable, now: number): Promise<Key[]> {
  const names = Object.fromEntries(table.keys.map((key, index) => [`#k${index}`, key]));
  const found: Key[] = [];
  let start: Key | undefined;
  do {
    const page = await client.send(
      new ScanCommand({
        TableName: table.name,
        FilterExpression: '#expires < :now',
        ProjectionExpression: Object.keys(names).join(', '),
        ExpressionAttributeNames: { ...names, '#expires': table.attribute },
        ExpressionAttributeValues: { ':now': { N: String(now) } },
        ...(start && { ExclusiveStartKey: start }),
      }),
    );
    found.push(...(page.Items ?? []));
    start = page.LastEvaluatedKey;
  } while (start);
  return found;
}

async function remove(client: DynamoDBClient, table: ExpiringTable, key: Key, now: number): Promise<boolean> {
  try {
    await client.send(
      new DeleteItemCommand({
        TableName: table.name,
        Key: key,
        ConditionExpression: '#expires < :now',
        ExpressionAttributeNames: { '#expires': table.attribute },
        ExpressionAttributeValues: { ':now': { N: String(now) } },
      }),
    );
    return true;
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return false;
    throw error;
  }
}

function shuffled<T>(values: readonly T[]): T[] {
  return values
    .map((value) => ({ value, rank: Math.random() }))
    .sort((a, b) => a.rank - b.rank)
    .map(({ value }) => value);
}
