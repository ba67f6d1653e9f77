import { setTimeout } from 'node:timers/promises';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient, GetCommand, paginateQuery, paginateScan } from '@aws-sdk/lib-dynamodb';
import type { Entry } from '../../core/events/entries.ts';
import { entryOf } from '../../core/events/stored-entry.ts';
import { asSessionId, type SessionKey } from '../../core/ids.ts';
import type { Lane, Principal, Session, StoredEntry } from '../../core/store/items.ts';
import { lanesRange, sessionKey, sessionOf } from '../../core/store/keys.ts';
import type { LocalCloud } from '../../local/cloud.ts';
import { POLL_MS, WAIT_MS } from './timeouts.ts';

/** Who connects where nobody has to prove anything. */
export const ANONYMOUS: Principal = { tenant: 'local', subject: 'anonymous' };

/** What the real table holds, read beside the product. */
export interface Stored {
  /** The session's entries in order, read when no turn of it runs or waits any more. */
  transcript(sessionId: string, principal?: Principal): Promise<Entry[]>;
  /** The same in one line per entry, without events: `user: first`, `assistant: draft`, `tool_call: wait`, `tool_result: wait`. */
  lines(sessionId: string, principal?: Principal): Promise<string[]>;
  /** The texts of the session's messages that were accepted and that no turn has applied, short ones only. */
  pending(sessionId: string, principal?: Principal): Promise<string[]>;
  /**
   * Every item of the table as JSON text: to see that something is stored nowhere. The other tests of the file have left their
   * items in it, so that it does not tell that something has come.
   */
  everything(): Promise<string>;
  close(): void;
}

export function readStored({
  endpoint,
  credentials,
  tableName,
}: Pick<LocalCloud['dynamodb'], 'endpoint' | 'credentials' | 'tableName'>): Stored {
  const client = new DynamoDBClient({
    endpoint,
    region: 'us-east-1',
    credentials,
  });
  const documents = DynamoDBDocumentClient.from(client);
  const config = { client: documents };

  async function isIdle(session: SessionKey): Promise<boolean> {
    const { pk, sk } = sessionKey(session);
    const { Item } = await documents.send(
      new GetCommand({ TableName: tableName, Key: { pk, sk }, ConsistentRead: true }),
    );
    const item = Item as Session | undefined;
    return item !== undefined && item.active === undefined && Object.keys(item.queue).length === 0;
  }

  async function becomesIdle(session: SessionKey): Promise<void> {
    const deadline = Date.now() + WAIT_MS;
    while (!(await isIdle(session))) {
      if (Date.now() > deadline) throw new Error(`a turn of ${session} still runs or waits`);
      await setTimeout(POLL_MS);
    }
  }

  async function transcript(sessionId: string, principal = ANONYMOUS): Promise<Entry[]> {
    const session = sessionOf(principal, asSessionId(sessionId));
    await becomesIdle(session);
    const pages = paginateQuery(config, {
      TableName: tableName,
      ConsistentRead: true,
      KeyConditionExpression: 'pk = :pk AND begins_with(sk, :entry)',
      ExpressionAttributeValues: { ':pk': sessionKey(session).pk, ':entry': 'ENTRY#' },
    });
    const entries: Entry[] = [];
    for await (const { Items = [] } of pages) entries.push(...(Items as StoredEntry[]).map(entryOf));
    return entries;
  }

  async function pending(sessionId: string, principal = ANONYMOUS): Promise<string[]> {
    const [{ pk }] = lanesRange(sessionOf(principal, asSessionId(sessionId)));
    const pages = paginateQuery(config, {
      TableName: tableName,
      ConsistentRead: true,
      KeyConditionExpression: 'pk = :pk AND begins_with(sk, :lane)',
      ExpressionAttributeValues: { ':pk': pk, ':lane': 'LANE#' },
    });
    const lanes: Lane[] = [];
    for await (const { Items = [] } of pages) lanes.push(...(Items as Lane[]));
    return lanes
      .flatMap(({ inbox, waiting }) => [...Object.values(inbox), ...Object.values(waiting)])
      .flatMap(({ content }) => (typeof content === 'string' ? content : []));
  }

  return {
    transcript,
    pending,
    lines: async (sessionId, principal) => (await transcript(sessionId, principal)).flatMap(lineOf),
    async everything() {
      const items: unknown[] = [];
      const pages = paginateScan(config, { TableName: tableName, ConsistentRead: true });
      for await (const { Items = [] } of pages) items.push(...Items);
      return JSON.stringify(items);
    },
    close: () => client.destroy(),
  };
}

function lineOf(entry: Entry): string | [] {
  if (entry.role === 'event') return [];
  if (entry.role !== 'user' && entry.role !== 'assistant') return `${entry.role}: ${entry.name}`;
  const { content } = entry;
  return `${entry.role}: ${typeof content === 'string' ? content : JSON.stringify(content)}`;
}
