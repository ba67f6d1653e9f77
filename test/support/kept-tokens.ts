import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient, paginateScan, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { asSessionId } from '../../core/ids.ts';
import type { Principal } from '../../core/store/items.ts';
import { sessionOf } from '../../core/store/keys.ts';
import type { KeptToken } from '../../core/store/token-items.ts';
import type { LocalCloud } from '../../local/cloud.ts';

interface KeptItem extends KeptToken {
  pk: string;
  sk: string;
}

async function inTable<T>(
  { dynamodb: { endpoint, credentials, tableName } }: LocalCloud,
  work: (client: DynamoDBDocumentClient, TableName: string) => Promise<T>,
): Promise<T> {
  const client = new DynamoDBClient({ endpoint, region: 'us-east-1', credentials });
  try {
    return await work(DynamoDBDocumentClient.from(client), tableName);
  } finally {
    client.destroy();
  }
}

/** The kept tokens of a session's connections. */
export const keptTokens = (cloud: LocalCloud, principal: Principal, session: string): Promise<KeptItem[]> =>
  inTable(cloud, async (client, TableName) => {
    const kept: KeptItem[] = [];
    for await (const { Items = [] } of paginateScan({ client }, { TableName, ConsistentRead: true }))
      kept.push(...(Items as KeptItem[]).filter(({ pk }) => pk.startsWith('TOKEN#')));
    return kept.filter((item) => item.session === sessionOf(principal, asSessionId(session)));
  });

/** Lets a kept token have expired. */
export const expireToken = (cloud: LocalCloud, { pk, sk }: KeptItem): Promise<unknown> =>
  inTable(cloud, (client, TableName) =>
    client.send(
      new UpdateCommand({
        TableName,
        Key: { pk, sk },
        UpdateExpression: 'SET tokenExpires = :end',
        ExpressionAttributeValues: { ':end': 1 },
      }),
    ),
  );

/** The statements of roles by which a secret may be read. */
export const readersOf = ({ permissions }: LocalCloud, secret: string) =>
  permissions
    .statements()
    .filter(({ resources }) => resources.patterns.some((pattern) => pattern.includes(secret)));
