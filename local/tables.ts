import { mkdir } from 'node:fs/promises';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { promisify } from 'node:util';
import {
  CreateTableCommand,
  type CreateTableCommandInput,
  DynamoDBClient,
  ResourceInUseException,
} from '@aws-sdk/client-dynamodb';
import dynalite from 'dynalite';
import { type AccessKey, newAccessKey } from './aws/access-key.ts';
import { keepPrivate } from './aws/private-port.ts';
import { refuseLikeDynamoDB } from './aws/table-limits.ts';
import { createWriteThrottle, type WriteThrottle } from './aws/write-throttle.ts';
import { messageOf } from './errors.ts';
import { type ExpiringTable, removeExpired } from './expiry.ts';
import type { Log } from './log.ts';
import { isMap } from './template/resolve.ts';
import type { Stack, StackResource } from './template/stack.ts';
import { REGION } from './world.ts';

export interface TableServer {
  /** `http://127.0.0.1:…`, with DynamoDB's protocol. */
  endpoint: string;
  /** With which requests to the endpoint are signed. */
  credentials: AccessKey;
  /** Answers a request that arrived elsewhere as if it had arrived at the endpoint. While closing, answers 503. */
  handle(request: IncomingMessage, response: ServerResponse): void;
  /** Creates the template's tables, if they do not exist here and are in no AWS account. */
  create(stack: Stack): Promise<void>;
  /**
   * Throttles writes above this many units a second to one value of the partition key. DynamoDB's limit is 1,000; here
   * it is `Infinity` at first. @returns how many writes it refused
   */
  limitWrites(unitsPerSecond: number): Pick<WriteThrottle, 'refused'>;
  /** Removes at most so many of the expired items now, chosen by chance. @returns how many */
  removeExpired(atMost: number): Promise<number>;
  /** Closes after all earlier requests are executed and answered. */
  close(): Promise<void>;
}

/**
 * DynamoDB deletes expired items within days, in no order. No code may rely on a time or an order: each sweep takes
 * half of them, chosen by chance.
 */
const SWEEP_MS = 60_000;
const half = (expired: number) => Math.ceil(expired / 2);

/** A DynamoDB server, in memory or, with a folder, on disk. Its own port is for the holder of the operator's key. */
export async function startTables(
  folder: string | undefined,
  log: Log,
  operator: AccessKey = newAccessKey(),
): Promise<TableServer> {
  if (folder) await mkdir(folder, { recursive: true });
  const server = dynalite({
    createTableMs: 0,
    deleteTableMs: 0,
    updateTableMs: 0,
    ...(folder && { path: folder }),
  });
  // Longer than an environment is frozen, so that its pooled connections stay valid.
  server.keepAliveTimeout = 10 * SWEEP_MS;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  const endpoint = `http://127.0.0.1:${port}`;
  const client = new DynamoDBClient({ endpoint, region: REGION, credentials: operator });
  const hashKeys = new Map<string, string>();
  let throttle: WriteThrottle | undefined;
  refuseLikeDynamoDB(server, {
    throttle: () => throttle,
    partitionOf: (table, key) => `${table} ${JSON.stringify(key[hashKeys.get(table) ?? ''])}`,
  });
  const underWay = trackRequests(server);
  const serve = keepPrivate(server, operator, 'dynamodb', log);
  let expiring: ExpiringTable[] = [];
  const expire = async (atMost: (expired: number) => number) => {
    const now = Math.floor(Date.now() / 1000);
    const removed = await Promise.all(expiring.map((table) => removeExpired(client, table, now, atMost)));
    return removed.reduce((sum, count) => sum + count, 0);
  };
  let sweeper: NodeJS.Timeout | undefined;
  let sweeping: Promise<unknown> = Promise.resolve();
  let isClosing = false;

  return {
    endpoint,
    credentials: operator,
    handle: (request, response) => {
      if (isClosing) response.writeHead(503).end();
      else serve(request, response);
    },
    async create(stack) {
      const tables = localTables(stack);
      await Promise.all(tables.map((table) => createTable(client, stack.ref(table), table)));
      for (const table of tables) hashKeys.set(stack.ref(table), keyNames(table)[0] ?? '');
      expiring = tables.flatMap((table) => {
        const attribute = table.properties.nested('TimeToLiveSpecification').optionalText('AttributeName');
        return attribute ? [{ name: stack.ref(table), keys: keyNames(table), attribute }] : [];
      });
      sweeper = setInterval(() => {
        sweeping = expire(half).catch((error: unknown) =>
          log({ level: 'error', source: 'tables', text: `Expired items stay: ${messageOf(error)}` }),
        );
      }, SWEEP_MS).unref();
    },
    limitWrites(unitsPerSecond) {
      throttle = createWriteThrottle(unitsPerSecond);
      return throttle;
    },
    removeExpired: (atMost) => expire(() => atMost),
    async close() {
      isClosing = true;
      clearInterval(sweeper);
      await sweeping;
      client.destroy();
      // Requests of a killed caller may still run, and the server throws if the database is closed.
      await underWay.idle();
      const closed = promisify(server.close.bind(server))();
      server.closeAllConnections();
      await closed;
    },
  };
}

/** The tables of a template that are on this machine. */
export const localTables = (stack: Stack): StackResource[] =>
  stack.ofType('AWS::DynamoDB::Table').filter(({ physicalId }) => physicalId === undefined);

/** Tracks requests from their arrival to their answer, whether or not the caller still reads it. */
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
    // A request that breaks off on arrival gets no answer.
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
  // CloudFormation's names of these properties are the API's, and the server validates them.
  const input = { TableName: name, ...Object.fromEntries(wanted) } as unknown as CreateTableCommandInput;
  try {
    await client.send(new CreateTableCommand(input));
  } catch (error) {
    if (!(error instanceof ResourceInUseException)) throw error;
  }
}

function keyNames({ properties }: StackResource): string[] {
  return properties
    .list('KeySchema')
    .map((key) => (isMap(key) ? key.AttributeName : undefined))
    .filter((name) => typeof name === 'string');
}
