import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { expect, onTestFinished } from 'vitest';
import { createAccess } from '../aws/access.ts';
import { type AccessKey, newAccessKey } from '../aws/access-key.ts';
import { functionCaller } from '../aws/caller.ts';
import { stackOf } from '../aws/fixtures.ts';
import { readRoles } from '../aws/roles.ts';
import type { Value } from '../template/template.ts';
import { type Buckets, openBuckets } from './buckets.ts';

const KEY = newAccessKey();
export const Bucket = 'midturn-files';

export const allow = (Action: readonly string[], Resource: string): Value => ({
  Effect: 'Allow',
  Action,
  Resource: `arn:aws:s3:::${Resource}`,
});
const EVERYTHING = [
  allow(['s3:PutObject', 's3:GetObject', 's3:DeleteObject'], `${Bucket}/*`),
  allow(['s3:ListBucket'], Bucket),
];

interface Given {
  statements?: readonly Value[];
  cors?: readonly Value[];
  folder?: string;
  secretAccessKey?: string;
  credentials?: AccessKey;
  /** The clock of the service, in milliseconds since the epoch. */
  now?: () => number;
}

let server: Server | undefined;
let buckets: Buckets | undefined;
let client: S3Client | undefined;

async function close(): Promise<void> {
  client?.destroy();
  const closing = server;
  server = undefined;
  closing?.closeAllConnections();
  if (closing) await new Promise((resolve) => closing.close(resolve));
  await buckets?.close();
}

/** A bucket on a port of this machine, and a client of a function whose role has these statements. One at a time, until the test ends. */
export async function givenBucket({
  statements = EVERYTHING,
  cors = [],
  folder,
  secretAccessKey = KEY.secretAccessKey,
  credentials = { ...KEY, secretAccessKey },
  now = Date.now,
}: Given = {}) {
  await close();
  onTestFinished(close);
  const stack = stackOf(statements, {
    Files: { Type: 'AWS::S3::Bucket', Properties: { CorsConfiguration: { CorsRules: cors } } },
  });
  const access = createAccess(readRoles(stack), () => {});
  const [worker] = stack.ofType('AWS::Lambda::Function');
  if (!worker) throw new Error('no function');
  const caller = functionCaller(stack, worker, 'worker');
  const opened = await openBuckets({
    stack,
    folder,
    access,
    holderOf: (id) => (id === KEY.accessKeyId ? { caller, secretAccessKey: KEY.secretAccessKey } : undefined),
    log: ({ text }) => expect.fail(text),
    now,
  });
  buckets = opened;
  const listening = createServer((request, response) => {
    if (!opened.serve(request, response)) response.writeHead(418).end('not for S3');
  });
  server = listening;
  await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve));
  const origin = `http://127.0.0.1:${(listening.address() as AddressInfo).port}`;
  const s3 = new S3Client({ endpoint: origin, region: 'us-east-1', credentials, maxAttempts: 1 });
  client = s3;
  return {
    origin,
    s3,
    put: (Key: string, Body: PutObjectCommand['input']['Body'] = Key, more = {}) =>
      s3.send(new PutObjectCommand({ Bucket, Key, Body, ...more })),
    async get(Key: string, more = {}) {
      const answer = await s3.send(new GetObjectCommand({ Bucket, Key, ...more }));
      return { ...answer, bytes: Buffer.from((await answer.Body?.transformToByteArray()) ?? []) };
    },
  };
}

/** An error of the SDK with this name and status. */
export const failing = (name: string, status: number): unknown =>
  expect.objectContaining({ name, $metadata: expect.objectContaining({ httpStatusCode: status }) });
