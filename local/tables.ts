import { mkdir } from 'node:fs/promises';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { promisify } from 'node:util';
import {
  type AttributeValue,
  ConditionalCheckFailedException,
  CreateTableCommand,
  type CreateTableCommandInput,
  DeleteItemCommand,
  DynamoDBClient,
  ResourceInUseException,
  ScanCommand,
} from '@aws-sdk/client-dynamodb';
import dynalite from 'dynalite';
import { messageOf } from './errors.ts';
import type { Log } from './log.ts';
import { isMap } from './template/resolve.ts';
import type { Stack, StackResource } from './template/stack.ts';
import { REGION } from './world.ts';

export interface TableServer {
  /** `http://127.0.0.1:…`, speaking DynamoDB's protocol. */
  endpoint: string;
  /** Answers a request that came in elsewhere as if it had come in at the endpoint; with 503 once it is closing. */
  handle(request: IncomingMessage, response: ServerResponse): void;
  /** Makes the template's tables, where they are not there from before. */
  create(stack: Stack): Promise<void>;
  /** What was asked before is carried out and answered first. */
  close(): Promise<void>;
}

/** DynamoDB deletes what has expired within days; nobody may count on a moment, so a slow sweep is true to it. */
const SWEEP_MS = 60_000;

/** The operator's own key: not one of a function's. */
const OPERATOR = { accessKeyId: 'LOCALOPERATOR', secretAccessKey: 'local' };

/** A DynamoDB of one's own, in memory or, with a folder, on disk. */
export async function startTables(folder: string | undefined, log: Log): Promise<TableServer> {
  if (folder) await mkdir(folder, { recursive: true });
  const server = dynalite({
    createTableMs: 0,
    deleteTableMs: 0,
    updateTableMs: 0,
    ...(folder && { path: folder }),
  });
  // Longer than a frozen environment sleeps: its pooled connections must not go stale under it.
  server.keepAliveTimeout = 10 * SWEEP_MS;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  const endpoint = `http://127.0.0.1:${port}`;
  const client = new DynamoDBClient({ endpoint, region: REGION, credentials: OPERATOR });
  const underWay = trackRequests(server);
  let sweeper: NodeJS.Timeout | undefined;
  let sweeping: Promise<unknown> = Promise.resolve();
  let isClosing = false;

  return {
    endpoint,
    handle: (request, response) => {
      if (isClosing) response.writeHead(503).end();
      else server.emit('request', request, response);
    },
    async create(stack) {
      const tables = stack.ofType('AWS::DynamoDB::Table');
      await Promise.all(tables.map((table) => createTable(client, stack.ref(table), table)));
      const expiring = tables.flatMap((table) => {
        const attribute = table.properties.nested('TimeToLiveSpecification').optionalText('AttributeName');
        return attribute ? [{ name: stack.ref(table), keys: keyNames(table), attribute }] : [];
      });
      sweeper = setInterval(() => {
        const now = Math.floor(Date.now() / 1000);
        sweeping = Promise.all(expiring.map((table) => sweep(client, table, now))).catch((error: unknown) =>
          log({ level: 'error', source: 'tables', text: `Expired items stay: ${messageOf(error)}` }),
        );
      }, SWEEP_MS).unref();
    },
    async close() {
      isClosing = true;
      clearInterval(sweeper);
      await sweeping;
      client.destroy();
      // A caller that was killed leaves its requests behind, and the server throws where they find no database.
      await underWay.idle();
      const closed = promisify(server.close.bind(server))();
      server.closeAllConnections();
      await closed;
    },
  };
}

/** Requests from their arrival to their answer, whether or not anybody is left to read it. */
function trackRequests(server: Server): { idle(): Promise<void> } {
  let count = 0;
  let settled = Promise.withResolvers<void>();
  server.prependListener('request', (request: IncomingMessage, response: ServerResponse) => {
    count += 1;
    let isOver = false;
    const over = () => {
      if (isOver) return;
      isOver = true;
      count -= 1;
      if (count > 0) return;
      settled.resolve();
      settled = Promise.withResolvers();
    };
    const end = response.end.bind(response);
    response.end = ((...args: []) => {
      over();
      return end(...args);
    }) as typeof response.end;
    // Cut short on its way in, it gets no answer.
    request.once('close', () => {
      if (!request.complete) over();
    });
  });
  return {
    async idle() {
      while (count > 0) await settled.promise;
    },
  };
}

async function createTable(
  client: DynamoDBClient,
  name: string,
  { properties }: StackResource,
): Promise<void> {
  const { KeySchema, AttributeDefinitions, GlobalSecondaryIndexes, BillingMode, ProvisionedThroughput } =
    properties.all;
  const wanted = Object.entries({
    KeySchema,
    AttributeDefinitions,
    GlobalSecondaryIndexes,
    BillingMode,
    ProvisionedThroughput,
  }).filter(([, value]) => value !== undefined);
  // CloudFormation spells these properties as the API does, and the server checks them.
  const input = { TableName: name, ...Object.fromEntries(wanted) } as unknown as CreateTableCommandInput;
  try {
    await client.send(new CreateTableCommand(input));
  } catch (error) {
    if (!(error instanceof ResourceInUseException)) throw error;
  }
}

interface ExpiringTable {
  name: string;
  /** Attributes of its primary key. */
  keys: readonly string[];
  /** Holds when an item expires, in seconds since the epoch. */
  attribute: string;
}

function keyNames({ properties }: StackResource): string[] {
  return properties
    .list('KeySchema')
    .map((key) => (isMap(key) ? key.AttributeName : undefined))
    .filter((name) => typeof name === 'string');
}

/** Deletes what expired before `now` (seconds since the epoch), unless it was given more time meanwhile. */
export async function sweep(client: DynamoDBClient, table: ExpiringTable, now: number): Promise<number> {
  const names = Object.fromEntries(table.keys.map((key, index) => [`#k${index}`, key]));
  const expired = { ':now': { N: String(now) } };
  let deleted = 0;
  let start: Record<string, AttributeValue> | undefined;
  do {
    const page = await client.send(
      new ScanCommand({
        TableName: table.name,
        FilterExpression: '#expires < :now',
        ProjectionExpression: Object.keys(names).join(', '),
        ExpressionAttributeNames: { ...names, '#expires': table.attribute },
        ExpressionAttributeValues: expired,
        ...(start && { ExclusiveStartKey: start }),
      }),
    );
    for (const key of page.Items ?? []) {
      try {
        await client.send(
          new DeleteItemCommand({
            TableName: table.name,
            Key: key,
            ConditionExpression: '#expires < :now',
            ExpressionAttributeNames: { '#expires': table.attribute },
            ExpressionAttributeValues: expired,
          }),
        );
        deleted += 1;
      } catch (error) {
        if (!(error instanceof ConditionalCheckFailedException)) throw error;
      }
    }
    start = page.LastEvaluatedKey;
  } while (start);
  return deleted;
}
