import {
  type AttributeValue,
  ConditionalCheckFailedException,
  DeleteItemCommand,
  DynamoDBClient,
  type DynamoDBClientConfig,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import type { Store, Written } from '../../core/ports.ts';
import type { Key } from '../../core/store/keys.ts';
import { fromStored, toStored } from '../../core/store/stored-names.ts';
import type { Update } from '../../core/store/update.ts';
import { SERVICE_TIMEOUTS } from '../timeouts.ts';
import { fromAttributes, toAttributes } from './attributes.ts';
import { compile } from './expression.ts';

/**
 * The store on one DynamoDB table with the keys `pk` and `sk`. All reads are consistent, because the core decides by
 * them.
 */
export function dynamoStore(tableName: string, config: DynamoDBClientConfig = {}): Store {
  const client = new DynamoDBClient({ ...SERVICE_TIMEOUTS, ...config });
  const TableName = tableName;
  const keyOf = ({ pk, sk }: Key<unknown>) => toAttributes({ pk, sk });
  const itemOf = <T>(key: Key<T>, item: T) => ({ ...toAttributes(toStored(item)), ...keyOf(key) });

  /** Reads page by page, up to `limit` items. */
  async function read(
    from: Key<unknown>,
    to: Key<unknown>,
    { limit, ...options }: { limit?: number; ScanIndexForward?: boolean; ProjectionExpression?: string },
  ): Promise<Record<string, AttributeValue>[]> {
    const items: Record<string, AttributeValue>[] = [];
    let ExclusiveStartKey: Record<string, AttributeValue> | undefined;
    do {
      const page = await client.send(
        new QueryCommand({
          TableName,
          ConsistentRead: true,
          KeyConditionExpression: 'pk = :pk AND sk BETWEEN :from AND :to',
          ExpressionAttributeValues: toAttributes({ ':pk': from.pk, ':from': from.sk, ':to': to.sk }),
          ...options,
          ...(limit && { Limit: limit - items.length }),
          ...(ExclusiveStartKey && { ExclusiveStartKey }),
        }),
      );
      items.push(...(page.Items ?? []));
      ExclusiveStartKey = page.LastEvaluatedKey;
    } while (ExclusiveStartKey && (limit === undefined || items.length < limit));
    return items;
  }

  return {
    async get<T>(key: Key<T>): Promise<T | undefined> {
      const { Item } = await client.send(
        new GetItemCommand({ TableName, Key: keyOf(key), ConsistentRead: true }),
      );
      return Item && withoutKey<T>(Item);
    },

    async put<T>(key: Key<T>, item: T): Promise<void> {
      await client.send(new PutItemCommand({ TableName, Item: itemOf(key, item) }));
    },

    async putIfAbsent<T>(key: Key<T>, item: T): Promise<boolean> {
      try {
        await client.send(
          new PutItemCommand({
            TableName,
            Item: itemOf(key, item),
            ConditionExpression: 'attribute_not_exists(pk)',
          }),
        );
        return true;
      } catch (error) {
        if (error instanceof ConditionalCheckFailedException) return false;
        throw error;
      }
    },

    async update<T>(key: Key<T>, update: Update<T>): Promise<Written<T>> {
      try {
        const { Attributes } = await client.send(
          new UpdateItemCommand({ TableName, Key: keyOf(key), ...compile(update), ReturnValues: 'ALL_NEW' }),
        );
        return { ok: true, item: withoutKey<T>(Attributes ?? {}) };
      } catch (error) {
        if (error instanceof ConditionalCheckFailedException) return { ok: false };
        throw error;
      }
    },

    async delete<T>(key: Key<T>): Promise<void> {
      await client.send(new DeleteItemCommand({ TableName, Key: keyOf(key) }));
    },

    async keys<T>(from: Key<T>, to: Key<T>, limit: number): Promise<Key<T>[]> {
      const items = await read(from, to, { limit, ProjectionExpression: 'pk, sk' });
      return items.map(({ pk, sk }) => ({ pk: textOf(pk), sk: textOf(sk) }));
    },

    async query<T>(
      from: Key<T>,
      to: Key<T>,
      { backwards, limit }: { backwards?: boolean; limit?: number } = {},
    ): Promise<T[]> {
      const items = await read(from, to, { ScanIndexForward: !backwards, ...(limit && { limit }) });
      return items.map((item) => withoutKey<T>(item));
    },
  };
}

const textOf = (attribute: AttributeValue | undefined) => attribute?.S ?? '';

function withoutKey<T>(attributes: Record<string, AttributeValue>): T {
  const { pk: _, sk: __, ...rest } = fromStored(fromAttributes(attributes));
  // The key determines the item's type: only this program writes items.
  return rest as T;
}
