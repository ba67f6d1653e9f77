import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Access, Attempt } from '../aws/access.ts';
import type { KeyHolder } from '../aws/caller.ts';
import type { Operation } from '../aws/operations.ts';
import { messageOf } from '../errors.ts';
import type { Log } from '../log.ts';
import type { Stack } from '../template/stack.ts';
import { type Authenticated, authenticate, isSignedForS3 } from './authentication.ts';
import { checkRead, checkWrite, noSuchKey, rangeOf } from './conditions.ts';
import { copyObject } from './copy.ts';
import { type CorsRule, corsRulesOf, judgeOrigin } from './cors.ts';
import { S3Error } from './error.ts';
import { keptHeaders, sentHeaders } from './headers.ts';
import { listing } from './listing.ts';
import { type Objects, openObjects, type S3Object } from './objects.ts';
import { readS3Request, type S3Operation, type S3Request, s3Operation } from './request.ts';
import { receive } from './upload.ts';
import { element, xml } from './xml.ts';

/** The buckets of a stack, with S3's REST API. */
export interface Buckets {
  /** Answers a request to a bucket, or one that is signed for S3. @returns whether it was one */
  serve(request: IncomingMessage, response: ServerResponse): boolean;
  close(): Promise<void>;
}

interface BucketsOptions {
  stack: Stack;
  /** @default - a temporary folder, which is removed at the end */
  folder: string | undefined;
  access: Access;
  /** The function with this access key. */
  holderOf(accessKeyId: string): KeyHolder | undefined;
  log: Log;
  /** Milliseconds since the epoch. */
  now?: () => number;
}

interface Bucket {
  objects: Objects;
  cors: readonly CorsRule[];
}

/** Opens the buckets of a stack, which a function of it may use as far as its role allows. */
export async function openBuckets(options: BucketsOptions): Promise<Buckets> {
  const { stack, access, holderOf, log, now = Date.now } = options;
  const resources = stack.ofType('AWS::S3::Bucket');
  const made = options.folder === undefined && resources.length > 0;
  const root = made ? await mkdtemp(join(tmpdir(), 'midturn-buckets-')) : (options.folder ?? '');
  const buckets = new Map<string, Bucket>();
  for (const resource of resources) {
    const name = stack.ref(resource);
    buckets.set(name, { objects: await openObjects(join(root, name)), cors: corsRulesOf(resource) });
  }

  async function answer(exchange: Exchange): Promise<void> {
    const { request, response, asked } = exchange;
    const bucket = buckets.get(asked.bucket);
    for (const [name, value] of Object.entries(judgeOrigin(request, bucket?.cors ?? [])))
      response.setHeader(name, value);
    if (request.method === 'OPTIONS') {
      response.writeHead(200).end();
      return;
    }
    const authenticated = authenticate(request, asked, holderOf, now());
    const operation = s3Operation(request, asked);
    const attempt = decide(authenticated.holder, operation);
    response.once('close', () =>
      attempt.done({
        requestBytes: Number(request.headers['content-length'] ?? 0),
        responseBytes: Number(response.getHeader('content-length') ?? 0),
      }),
    );
    if (attempt.denied) throw denied(authenticated.holder, attempt.denied);
    if (!bucket) throw noSuchBucket(asked.bucket);
    await carryOut(operation, { ...exchange, bucket, authenticated });
  }

  function decide({ caller }: KeyHolder, { name, needs }: Operation): Attempt {
    return access.attempt(caller, { by: 'function', service: 's3', operation: name, needs });
  }

  async function carryOut({ name, source }: S3Operation, call: BucketCall): Promise<void> {
    const { response, bucket, asked } = call;
    switch (name) {
      case 'PutObject':
        await put(call, now());
        return;
      case 'CopyObject': {
        const from = source && buckets.get(source.bucket);
        if (!source || !from) throw noSuchBucket(source?.bucket ?? '');
        const object = objectOrRefusal({ ...call, bucket: from, asked: { ...asked, ...source } });
        const to = { objects: bucket.objects, key: asked.key, modified: now() };
        sendXml(response, 200, await copyObject(call.request.headers, { objects: from.objects, object }, to));
        return;
      }
      case 'DeleteObject':
        await bucket.objects.delete(asked.key);
        response.writeHead(204).end();
        return;
      case 'ListObjectsV2':
        sendXml(response, 200, listing(asked.bucket, bucket.objects.list(), asked.query));
        return;
      case 'HeadBucket':
        response.writeHead(200, { 'x-amz-bucket-region': 'us-east-1' }).end();
        return;
      default:
        await send(call, objectOrRefusal(call));
    }
  }

  /** Who may not list a bucket is not told what is in it. Source: `GetObject`, "Permissions", Amazon S3 API reference. */
  function objectOrRefusal({ bucket, asked, authenticated }: BucketCall): S3Object {
    const object = bucket.objects.get(asked.key);
    if (object) return object;
    const need = { action: 's3:ListBucket', resource: `arn:aws:s3:::${asked.bucket}` };
    const { holder } = authenticated;
    throw access.mayBeAllowed(holder.caller, need) ? noSuchKey(asked.key) : denied(holder, need);
  }

  return {
    serve(request, response) {
      const asked = readS3Request(request);
      if (!asked || !(buckets.has(asked.bucket) || isSignedForS3(request, asked.query))) return false;
      response.setHeader('x-amz-request-id', randomUUID().replaceAll('-', '').slice(0, 16).toUpperCase());
      answer({ request, response, asked }).catch((error: unknown) => {
        if (!(error instanceof S3Error))
          log({ level: 'error', source: 's3', text: `${request.method} ${asked.key}: ${messageOf(error)}` });
        refuse(request, response, error);
      });
      return true;
    },
    async close() {
      if (made) await rm(root, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

interface Exchange {
  request: IncomingMessage;
  response: ServerResponse;
  asked: S3Request;
}

interface BucketCall extends Exchange {
  bucket: Bucket;
  authenticated: Authenticated;
}

async function put(
  { request, response, asked, bucket, authenticated }: BucketCall,
  modified: number,
): Promise<void> {
  const { objects } = bucket;
  if (Buffer.byteLength(asked.key) > 1024) throw new S3Error(400, 'KeyTooLongError', 'Your key is too long');
  checkWrite(request.headers, objects.get(asked.key));
  const draft = objects.draft();
  try {
    const { size, etag, checksum } = await receive(request, authenticated.payload, draft.sink);
    const headers = { ...keptHeaders(request.headers, asked.query), ...checksum };
    const object = { key: asked.key, file: draft.file, size, etag, modified, headers };
    // Another upload may have ended meanwhile.
    await objects.put(object, (present) => checkWrite(request.headers, present));
    response.writeHead(200, { etag: `"${etag}"`, ...checksum, 'content-length': 0 }).end();
  } catch (error) {
    await objects.discard(draft);
    throw error;
  }
}

async function send({ request, response, asked, bucket }: BucketCall, object: S3Object): Promise<void> {
  const status = checkRead(request.headers, object);
  const range = status === 200 ? rangeOf(request.headers.range, object.size) : undefined;
  const headers = sentHeaders(
    object,
    asked.query,
    range,
    request.headers['x-amz-checksum-mode'] === 'ENABLED',
  );
  response.writeHead(range ? 206 : status, headers);
  if (request.method === 'HEAD' || status === 304) response.end();
  else await pipeline(bucket.objects.read(object, range), response).catch(unlessTheReaderLeft);
}

function unlessTheReaderLeft(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ERR_STREAM_PREMATURE_CLOSE') throw error;
}

const noSuchBucket = (name: string) =>
  new S3Error(404, 'NoSuchBucket', 'The specified bucket does not exist', { BucketName: name });

const denied = ({ caller }: KeyHolder, { action, resource }: { action: string; resource: string }) =>
  new S3Error(
    403,
    'AccessDenied',
    `User: ${caller.userArn} is not authorized to perform: ${action} on resource: "${resource}" because no identity-based policy allows the ${action} action`,
  );

function refuse(request: IncomingMessage, response: ServerResponse, error: unknown): void {
  // The request is read to its end, so that its sender reads the answer.
  request.resume();
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const { status, code, message, details } =
    error instanceof S3Error
      ? error
      : new S3Error(500, 'InternalError', 'We encountered an internal error. Please try again.');
  const elements = Object.entries({ Code: code, Message: message, ...details });
  sendXml(response, status, xml('Error', ...elements.map(([name, text]) => element(name, text))));
}

function sendXml(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, {
    'content-type': 'application/xml',
    'content-length': Buffer.byteLength(text),
  });
  response.end(text);
}
