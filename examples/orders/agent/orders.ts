import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient, PutCommand, QueryCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';

/** The orders of the application, in a table of its own. */

/** Whose order it is. From the token that proved it (`caller.principal`), never from what a model says. */
export interface Customer {
  tenant: string;
  subject: string;
}

export interface Order {
  id: string;
  customer: string;
  item: string;
  count: number;
  status: 'placed' | 'cancelled';
  /** The conversation in which it was placed: the parcel service writes there. */
  session: string;
}

const client = DynamoDBDocumentClient.from(new DynamoDBClient({}));
const TableName = process.env.ORDERS;

/** No subject is the beginning of another one's keys: `#` is encoded in it. */
const keysOf = (subject: string): string => `${encodeURIComponent(subject)}#`;

/** Places an order once, however often it is called with this id. */
export async function placeOrder(
  { tenant, subject }: Customer,
  order: Pick<Order, 'id' | 'item' | 'count' | 'session'>,
): Promise<Order> {
  const placed: Order = { ...order, customer: subject, status: 'placed' };
  await client.send(
    new PutCommand({ TableName, Item: { shop: tenant, key: keysOf(subject) + order.id, ...placed } }),
  );
  return placed;
}

/** @throws {Error} for an order that this customer does not have */
export async function cancelOrder({ tenant, subject }: Customer, id: string): Promise<void> {
  await client
    .send(
      new UpdateCommand({
        TableName,
        Key: { shop: tenant, key: keysOf(subject) + id },
        UpdateExpression: 'SET #status = :cancelled',
        ConditionExpression: 'attribute_exists(#status)',
        ExpressionAttributeNames: { '#status': 'status' },
        ExpressionAttributeValues: { ':cancelled': 'cancelled' },
      }),
    )
    .catch((error: unknown) => {
      if (!(error instanceof Error && error.name === 'ConditionalCheckFailedException')) throw error;
      throw new Error(`There is no order ${id}.`);
    });
}

export const ordersOf = ({ tenant, subject }: Customer): Promise<Order[]> =>
  query(
    'shop = :shop AND begins_with(#key, :keys)',
    { ':shop': tenant, ':keys': keysOf(subject) },
    { '#key': 'key' },
  );

/** Of all customers of a shop. */
export const ordersOfShop = (tenant: string): Promise<Order[]> => query('shop = :shop', { ':shop': tenant });

async function query(
  KeyConditionExpression: string,
  ExpressionAttributeValues: Record<string, string>,
  ExpressionAttributeNames?: Record<string, string>,
): Promise<Order[]> {
  const found: Order[] = [];
  let ExclusiveStartKey: Record<string, unknown> | undefined;
  do {
    const { Items = [], LastEvaluatedKey } = await client.send(
      new QueryCommand({
        TableName,
        KeyConditionExpression,
        ExpressionAttributeValues,
        ...(ExpressionAttributeNames && { ExpressionAttributeNames }),
        ...(ExclusiveStartKey && { ExclusiveStartKey }),
      }),
    );
    for (const { shop: _shop, key: _key, ...order } of Items) found.push(order as Order);
    ExclusiveStartKey = LastEvaluatedKey;
  } while (ExclusiveStartKey);
  return found;
}
