import type { IncomingMessage } from 'node:http';
import type { Operation } from '../aws/operations.ts';
import { encode } from '../aws/signature.ts';
import { type CopySource, readCopySource } from './copy.ts';
import { notHere, S3Error } from './error.ts';

/** A request of S3's REST API, in the path style that SDKs use with an address of numbers. */
export interface S3Request {
  bucket: string;
  /** Empty for a request to the bucket. */
  key: string;
  query: URLSearchParams;
  /** The path as it is signed: encoded once. */
  signedPath: string;
}

/** Undefined for a path that nobody can have meant for S3. */
export function readS3Request({ url = '/' }: IncomingMessage): S3Request | undefined {
  const [path = '', query = ''] = url.split('?');
  const decoded = decodePath(path);
  const [, bucket, key = ''] = /^\/([^/]+)\/?(.*)$/s.exec(decoded ?? '') ?? [];
  if (decoded === undefined || bucket === undefined) return undefined;
  const signedPath = encode(decoded).replaceAll('%2F', '/');
  return { bucket, key, query: new URLSearchParams(query), signedPath };
}

function decodePath(path: string): string | undefined {
  try {
    return decodeURIComponent(path);
  } catch {
    return undefined;
  }
}

type Kind =
  | 'PutObject'
  | 'CopyObject'
  | 'GetObject'
  | 'HeadObject'
  | 'DeleteObject'
  | 'ListObjectsV2'
  | 'HeadBucket';

const OF_OBJECTS: Readonly<Record<string, Kind>> = {
  PUT: 'PutObject',
  GET: 'GetObject',
  HEAD: 'HeadObject',
  DELETE: 'DeleteObject',
};

/** Parameters that make another operation of a request. Those of a signature, and those below, do not. */
const HARMLESS =
  /^(x-amz-.*|x-id|list-type|prefix|delimiter|max-keys|start-after|continuation-token|encoding-type|fetch-owner|response-.*)$/i;
/** Headers that ask for what is not here, and would be missed. */
const MISSED = ['x-amz-tagging', 'x-amz-acl', 'x-amz-write-offset-bytes'];

/** `source`: what a `CopyObject` copies. */
export type S3Operation = Operation & { name: Kind; source?: CopySource };

/**
 * The operation of a request, and the permissions that it needs. Source: "Actions, resources, and condition keys for Amazon S3", service
 * authorization reference.
 * @throws {S3Error} for an operation that is not here
 */
export function s3Operation(request: IncomingMessage, { bucket, key, query }: S3Request): S3Operation {
  const { method = '', headers } = request;
  const other = [...query.keys()].find((name) => !HARMLESS.test(name));
  if (other !== undefined) throw notHere(`${method} with ?${other}`);
  const header = MISSED.find((name) => headers[name] !== undefined);
  if (header !== undefined) throw notHere(`header ${header}`);
  const ofBucket = `arn:aws:s3:::${bucket}`;
  if (key !== '') {
    const name = OF_OBJECTS[method];
    if (!name) throw notMethod(method);
    const source = name === 'PutObject' ? readCopySource(request) : undefined;
    if (source) {
      return {
        name: 'CopyObject',
        source,
        needs: [
          { action: 's3:GetObject', resource: `arn:aws:s3:::${source.bucket}/${source.key}` },
          { action: 's3:PutObject', resource: `${ofBucket}/${key}` },
        ],
      };
    }
    const action = name === 'HeadObject' ? 'GetObject' : name;
    return { name, needs: [{ action: `s3:${action}`, resource: `${ofBucket}/${key}` }] };
  }
  const conditions = Object.fromEntries(
    ['prefix', 'delimiter', 'max-keys'].flatMap((name) =>
      query.has(name) ? [[`s3:${name}`, query.get(name) ?? '']] : [],
    ),
  );
  const needs = [{ action: 's3:ListBucket', resource: ofBucket, conditions }];
  if (method === 'HEAD') return { name: 'HeadBucket', needs };
  if (method !== 'GET') throw notHere(`${method} of a bucket`);
  if (query.get('list-type') !== '2') throw notHere('first version of ListObjects');
  return { name: 'ListObjectsV2', needs };
}

const notMethod = (method: string) =>
  new S3Error(405, 'MethodNotAllowed', `The method ${method} is not allowed against this resource.`);
