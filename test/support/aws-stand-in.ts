import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { CreateTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import dynalite from 'dynalite';
import { afterAll, beforeAll, vi } from 'vitest';
import { tableSchema } from './table-schema.ts';

/**
 * AWS on loopback for the tests of one handler: a real table, queues that keep what is sent, and connections that keep what is
 * posted. Every service can be told to refuse. For a whole deployment take the local cloud (`stack.ts`).
 */
export interface AwsStandIn {
  /** The bodies of messages sent to queues, in order, with the queue's name. */
  readonly sent: {
    queue: string;
    body: string;
    delaySeconds: number | undefined;
    groupId: string | undefined;
    deduplicationId: string | undefined;
  }[];
  /** Frames posted to connections, in order. */
  readonly posted: { connection: string; frame: Record<string, unknown> }[];
  /** The metrics of each invocation, as they were printed. */
  readonly measured: Record<string, unknown>[];
  /** What the handler has logged: objects as they were printed. */
  readonly logged: Record<string, unknown>[];
  /**
   * Operations that are refused from now on: `GetItem`, `SendMessage`, `PostToConnection`; of those, requests whose text
   * contains `about`.
   */
  refuse(operation: string, about?: string): void;
  /** Requests of this operation are answered when the returned function is called. */
  hold(operation: string): () => void;
  /** How many requests of this operation have come since the last `reset`. */
  asked(operation: string): number;
  /** Secrets by their ids. */
  readonly secrets: Map<string, string>;
  /** Refuses nothing any more, and forgets what was sent, posted and logged. */
  reset(): void;
}

/** Set by the stack for its functions. */
const QUEUES = { MIDTURN_TURN_QUEUE_URL: 'turns.fifo', MIDTURN_DEADLINE_QUEUE_URL: 'deadlines' };

/** Starts it for the tests of this file, and points the SDK at it. Import the handler afterwards, in a `beforeAll`. */
export function givenAws(env: Readonly<Record<string, string>> = {}): AwsStandIn {
  const refused: { operation: string; about: string }[] = [];
  const held = new Map<string, Promise<void>>();
  const asked = new Map<string, number>();
  const aws: AwsStandIn = {
    sent: [],
    posted: [],
    measured: [],
    logged: [],
    secrets: new Map(),
    refuse: (operation, about = '') => void refused.push({ operation, about }),
    hold(operation) {
      const { promise, resolve } = Promise.withResolvers<void>();
      held.set(operation, promise);
      return resolve;
    },
    asked: (operation) => asked.get(operation) ?? 0,
    reset() {
      held.clear();
      asked.clear();
      for (const list of [refused, aws.sent, aws.posted, aws.measured, aws.logged]) list.length = 0;
    },
  };
  const table = dynalite({ createTableMs: 0 });
  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => response.destroy(error as Error));
  });

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [, operation = 'PostToConnection'] = String(request.headers['x-amz-target'] ?? '').split('.');
    const body = await text(request);
    asked.set(operation, (asked.get(operation) ?? 0) + 1);
    await held.get(operation);
    if (refused.some((one) => one.operation === operation && body.includes(one.about)))
      return reply(response, 400, { __type: 'AccessDeniedException', message: 'no' });
    const { pathname } = new URL(request.url ?? '/', 'http://aws');
    if (pathname.includes('/@connections/')) {
      aws.posted.push({
        connection: decodeURIComponent(pathname.split('/').at(-1) ?? ''),
        frame: JSON.parse(body),
      });
      return reply(response, 200, {});
    }
    if (operation === 'GetSecretValue') {
      const SecretString = aws.secrets.get(JSON.parse(body).SecretId);
      if (SecretString !== undefined) return reply(response, 200, { SecretString });
      return reply(response, 400, { __type: 'ResourceNotFoundException', message: 'no such secret' });
    }
    if (operation === 'SendMessage') {
      const message = JSON.parse(body);
      const { QueueUrl = '', MessageBody } = message;
      aws.sent.push({
        queue: QueueUrl.split('/').at(-1),
        body: MessageBody,
        delaySeconds: message.DelaySeconds,
        groupId: message.MessageGroupId,
        deduplicationId: message.MessageDeduplicationId,
      });
      const MD5OfMessageBody = createHash('md5').update(MessageBody).digest('hex');
      return reply(response, 200, { MessageId: 'm', MD5OfMessageBody });
    }
    const { port } = table.address() as AddressInfo;
    const headers = Object.entries(request.headers).flatMap(([name, value]): [string, string][] =>
      typeof value === 'string' && name !== 'host' && name !== 'connection' && name !== 'content-length'
        ? [[name, value]]
        : [],
    );
    const answered = await fetch(`http://127.0.0.1:${port}/`, { method: 'POST', headers, body });
    return reply(response, answered.status, await answered.json());
  }

  beforeAll(async () => {
    await Promise.all([listen(server), listen(table)]);
    const endpoint = addressOf(server);
    const settings: Record<string, string> = {
      AWS_ENDPOINT_URL: endpoint,
      AWS_REGION: 'us-east-1',
      AWS_ACCESS_KEY_ID: 'test',
      AWS_SECRET_ACCESS_KEY: 'test',
      MIDTURN_STACK: 'Midturn',
      // The logger writes to the console of the test, and not to one of its own.
      POWERTOOLS_DEV: 'true',
      MIDTURN_TABLE_NAME: 'midturn',
      MIDTURN_MANAGEMENT_ENDPOINT: `${endpoint}/stage`,
      ...env,
    };
    for (const [name, queue] of Object.entries(QUEUES)) settings[name] = `${endpoint}/0/${queue}`;
    for (const [name, value] of Object.entries(settings)) vi.stubEnv(name, value);
    for (const level of ['info', 'warn', 'error'] as const)
      vi.spyOn(console, level).mockImplementation((line: unknown) => {
        aws.logged.push(JSON.parse(String(line)));
      });
    const write = process.stdout.write.bind(process.stdout);
    vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
      if (!String(text).startsWith('{"_aws"')) return write(text);
      aws.measured.push(JSON.parse(String(text)));
      return true;
    });
    const admin = new DynamoDBClient({ endpoint: addressOf(table), region: 'us-east-1' });
    await admin.send(new CreateTableCommand({ TableName: 'midturn', ...tableSchema() }));
    admin.destroy();
  });
  afterAll(async () => {
    vi.unstubAllEnvs();
    vi.restoreAllMocks();
    await Promise.all([close(server), close(table)]);
  });
  return aws;
}

const listen = (server: Server) =>
  new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
const addressOf = (server: Server) => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
const close = (server: Server) =>
  new Promise<void>((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });

function reply(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/x-amz-json-1.0' });
  response.end(JSON.stringify(body));
}
