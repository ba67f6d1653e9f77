import { encode } from '../aws/signature.ts';
import { S3Error } from './error.ts';
import type { S3Object } from './objects.ts';
import { element, xml } from './xml.ts';

const MOST_KEYS = 1000;

/** The answer to `ListObjectsV2`. @param objects in the order of their keys */
export function listing(bucket: string, objects: readonly S3Object[], query: URLSearchParams): string {
  const prefix = query.get('prefix') ?? '';
  const delimiter = query.get('delimiter') ?? '';
  const most = Math.min(limitIn(query), MOST_KEYS);
  const token = query.get('continuation-token');
  const after = token === null ? (query.get('start-after') ?? '') : readToken(token);
  const urlEncoded = query.get('encoding-type') === 'url';
  const shown = (text: string) => (urlEncoded ? encode(text).replaceAll('%2F', '/') : text);

  // Keys with the same beginning, up to the delimiter, count as one.
  const entries = new Map<string, S3Object | undefined>();
  let last = '';
  let isTruncated = false;
  for (const object of objects) {
    const { key } = object;
    if (!key.startsWith(prefix) || isBefore(key, after)) continue;
    const at = delimiter === '' ? -1 : key.indexOf(delimiter, prefix.length);
    const name = at < 0 ? key : key.slice(0, at + delimiter.length);
    // A page that ended with a group goes on after all of it.
    if (at >= 0 && name === after) continue;
    if (!entries.has(name)) {
      if (entries.size === most) {
        isTruncated = true;
        break;
      }
      entries.set(name, at < 0 ? object : undefined);
    }
    last = name;
  }
  const contents = [...entries.values()].filter((object) => object !== undefined);
  const groups = [...entries].filter(([, object]) => object === undefined);
  return xml(
    'ListBucketResult',
    element('Name', bucket),
    element('Prefix', shown(prefix)),
    ...(delimiter === '' ? [] : [element('Delimiter', shown(delimiter))]),
    element('MaxKeys', String(most)),
    element('KeyCount', String(entries.size)),
    element('IsTruncated', String(isTruncated)),
    ...(urlEncoded ? [element('EncodingType', 'url')] : []),
    ...(token === null ? [] : [element('ContinuationToken', token)]),
    ...(isTruncated && most > 0
      ? [element('NextContinuationToken', Buffer.from(last).toString('base64url'))]
      : []),
    ...contents.map(({ key, size, etag, modified }) =>
      element('Contents', [
        element('Key', shown(key)),
        element('LastModified', new Date(modified).toISOString()),
        element('ETag', `"${etag}"`),
        element('Size', String(size)),
        element('StorageClass', 'STANDARD'),
      ]),
    ),
    ...groups.map(([name]) => element('CommonPrefixes', [element('Prefix', shown(name))])),
  );
}

const isBefore = (key: string, after: string) =>
  after !== '' && Buffer.compare(Buffer.from(key), Buffer.from(after)) <= 0;

function limitIn(query: URLSearchParams): number {
  const text = query.get('max-keys') ?? String(MOST_KEYS);
  if (/^\d+$/.test(text)) return Number(text);
  throw new S3Error(400, 'InvalidArgument', 'Provided max-keys not an integer or within integer range');
}

function readToken(token: string): string {
  const key = Buffer.from(token, 'base64url').toString();
  if (key !== '' && Buffer.from(key).toString('base64url') === token) return key;
  throw new S3Error(400, 'InvalidArgument', 'The continuation token provided is incorrect');
}
