import type { IncomingMessage } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { checkWrite } from './conditions.ts';
import { notHere, S3Error } from './error.ts';
import type { Objects, S3Object } from './objects.ts';
import { element, xml } from './xml.ts';

/** What a request copies. */
export interface CopySource {
  bucket: string;
  key: string;
}

/** Headers that change what a copy is, or when it is made. */
const MISSED = /^x-amz-(copy-source-.+|tagging-directive)$/;

/**
 * The object that a request copies. Undefined: it copies none. Source: `CopyObject`, Amazon S3 API reference.
 * @throws {S3Error}
 */
export function readCopySource({ headers }: Pick<IncomingMessage, 'headers'>): CopySource | undefined {
  const header = headers['x-amz-copy-source'];
  if (typeof header !== 'string') return undefined;
  const missed = Object.keys(headers).find((name) => MISSED.test(name));
  if (missed !== undefined) throw notHere(`header ${missed}`);
  const directive = headers['x-amz-metadata-directive'] ?? 'COPY';
  if (directive !== 'COPY') throw notHere(`x-amz-metadata-directive ${directive}`);
  if (header.includes('?')) throw notHere('versions');
  const [, bucket, key] = /^\/?([^/]+)\/(.+)$/s.exec(decoded(header)) ?? [];
  if (bucket === undefined || key === undefined) throw invalid();
  return { bucket, key };
}

function decoded(header: string): string {
  try {
    return decodeURIComponent(header);
  } catch {
    throw invalid();
  }
}

const invalid = () =>
  new S3Error(
    400,
    'InvalidArgument',
    'Copy Source must mention the source bucket and key: sourcebucket/sourcekey',
  );

/**
 * Copies an object with its headers, whole or not at all.
 *
 * @param from the object, and the bucket in which it is
 * @param to the key, and the bucket that takes it
 * @returns the document of the answer
 * @throws {S3Error}
 */
export async function copyObject(
  headers: IncomingMessage['headers'],
  from: { objects: Objects; object: S3Object },
  to: { objects: Objects; key: string; modified: number },
): Promise<string> {
  const { object } = from;
  if (from.objects === to.objects && object.key === to.key)
    throw new S3Error(
      400,
      'InvalidRequest',
      "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.",
    );
  checkWrite(headers, to.objects.get(to.key));
  const draft = to.objects.draft();
  try {
    await pipeline(from.objects.read(object), draft.sink);
    const copy = { ...object, key: to.key, file: draft.file, modified: to.modified };
    await to.objects.put(copy, (present) => checkWrite(headers, present));
  } catch (error) {
    await to.objects.discard(draft);
    throw error;
  }
  return xml(
    'CopyObjectResult',
    element('LastModified', new Date(to.modified).toISOString()),
    element('ETag', `"${object.etag}"`),
  );
}
