import {
  BatchWriteCommand,
  type DynamoDBDocumentClient,
  GetCommand,
  paginateScan,
  UpdateCommand,
} from '@aws-sdk/lib-dynamodb';
import { asConnectionId, asSessionId, type ConnectionId, type SessionId } from '../core/ids.ts';
import type { Principal, TurnsInFlight } from '../core/store/items.ts';
import {
  connectionIdOf,
  connectionKey,
  listingAt,
  notedAnswer,
  principalSpendKey,
  principalTurnsKey,
  rateKey,
  sessionOf,
  tenantTurnsKey,
} from '../core/store/keys.ts';

/** Everything that a table holds of one principal, for `npm run delete-principal`. */

/** DynamoDB accepts at most this many deletions in one request. */
const BATCH = 25;

interface Found {
  pk: string;
  sk: string;
}

/**
 * The keys of all items of a principal: sessions and their parts, the list of sessions, connections, rates, turns in flight, what it
 * used of its budgets, and cached answers that were given in its sessions. Reads the whole table, because no function needs an index by principal.
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
        'begins_with(pk, :sessions) OR pk = :list OR pk = :turns OR pk = :spend OR begins_with(pk, :rates) OR begins_with(#session, :session)',
      ExpressionAttributeNames: { '#session': 'session' },
      ExpressionAttributeValues: {
        ':session': session,
        ':sessions': `SESSION#${session}`,
        ':list': listingAt(principal, '').pk,
        ':turns': principalTurnsKey(session).pk,
        ':spend': principalSpendKey(session, '').pk,
        ':rates': rateKey(principal, '', 0).pk.replace(/#0$/, ''),
      },
    },
  );
  // Several sessions may have been given the same answer, and a batch names an item once.
  const answers = new Set<string>();
  const notes: Found[] = [];
  for await (const { Items = [] } of pages) {
    for (const item of Items as Found[]) {
      const answer = notedAnswer(item);
      if (!answer) {
        yield item;
        continue;
      }
      if (!answers.has(answer.pk)) yield answer;
      answers.add(answer.pk);
      notes.push(item);
    }
  }
  // Last: without its note, the next run would not find an answer that this one leaves.
  yield* notes;
}

/** The connections of a principal, or of one of its sessions. Reads the whole table, for the same reason. */
export async function* connectionsOf(
  client: DynamoDBDocumentClient,
  table: string,
  principal: Principal,
  sessionId?: SessionId,
): AsyncGenerator<ConnectionId> {
  const of = sessionId === undefined ? 'begins_with(#session, :session)' : '#session = :session';
  const pages = paginateScan(
    { client },
    {
      TableName: table,
      ConsistentRead: true,
      ProjectionExpression: 'pk, sk',
      FilterExpression: `begins_with(pk, :connections) AND ${of}`,
      ExpressionAttributeNames: { '#session': 'session' },
      ExpressionAttributeValues: {
        ':connections': connectionKey(asConnectionId('')).pk,
        ':session': sessionOf(principal, sessionId ?? asSessionId('')),
      },
    },
  );
  for await (const { Items = [] } of pages) yield* (Items as Found[]).map(connectionIdOf);
}

/**
 * Gives back the places that a principal's turns have in the count of its tenant, which name its sessions. Other principals'
 * places stay as they are.
 */
export async function leavePlaces(
  client: DynamoDBDocumentClient,
  table: string,
  principal: Principal,
): Promise<void> {
  const session = sessionOf(principal, asSessionId(''));
  const { pk, sk } = tenantTurnsKey(session);
  const read = await client.send(new GetCommand({ TableName: table, Key: { pk, sk }, ConsistentRead: true }));
  const { slots = {} } = (read.Item ?? {}) as Partial<TurnsInFlight>;
  for (const [slot, place] of Object.entries(slots)) {
    if (!place.session.startsWith(session)) continue;
    await client.send(
      new UpdateCommand({
        TableName: table,
        Key: { pk, sk },
        UpdateExpression: 'REMOVE slots.#slot',
        ConditionExpression: 'attribute_exists(slots)',
        ExpressionAttributeNames: { '#slot': slot },
      }),
    );
  }
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
