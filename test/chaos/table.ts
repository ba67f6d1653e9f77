import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient, GetCommand, paginateScan } from '@aws-sdk/lib-dynamodb';
import type { LaneId, SessionKey } from '../../core/ids.ts';
import type { Lane, Session } from '../../core/store/items.ts';
import { type Key, laneKey, sessionKey } from '../../core/store/keys.ts';
import { fromStored } from '../../core/store/stored-names.ts';
import type { LocalCloud } from '../../local/cloud.ts';

export interface StoredItem {
  pk: string;
  sk: string;
  item: Record<string, unknown>;
}

/** Reads the table without the product. */
export interface Table {
  all(): Promise<StoredItem[]>;
  session(key: SessionKey): Promise<Session | undefined>;
  lane(session: SessionKey, id: LaneId): Promise<Lane | undefined>;
  close(): void;
}

export function openTable({
  endpoint,
  credentials,
  tableName,
}: Pick<LocalCloud['dynamodb'], 'endpoint' | 'credentials' | 'tableName'>): Table {
  const client = new DynamoDBClient({
    endpoint,
    region: 'us-east-1',
    credentials,
  });
  const documents = DynamoDBDocumentClient.from(client);
  async function get<T>({ pk, sk }: Key<T>): Promise<T | undefined> {
    const { Item } = await documents.send(
      new GetCommand({ TableName: tableName, Key: { pk, sk }, ConsistentRead: true }),
    );
    return Item && (fromStored(Item) as T);
  }
  return {
    session: (key) => get(sessionKey(key)),
    lane: (session, id) => get(laneKey(session, id)),
    async all() {
      const items: StoredItem[] = [];
      const pages = paginateScan({ client: documents }, { TableName: tableName, ConsistentRead: true });
      for await (const { Items = [] } of pages) {
        for (const { pk, sk, ...item } of Items)
          items.push({ pk: String(pk), sk: String(sk), item: fromStored(item) });
      }
      return items;
    },
    close: () => client.destroy(),
  };
}
