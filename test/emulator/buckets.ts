import type { IncomingMessage } from 'node:http';
import type { Reply } from './reply.ts';
import { toXml } from './xml.ts';

/** S3, path style: as much of it as an asset upload asks. */
export interface Buckets {
  /** `bucket/key` of everything that was uploaded. */
  readonly objects: ReadonlyMap<string, Buffer>;
  create(name: string): void;
  answer(request: IncomingMessage, body: Buffer): Reply;
}

export function createBuckets(): Buckets {
  const names = new Set<string>();
  const objects = new Map<string, Buffer>();
  const missing = (code: string): Reply => ({ status: 404, body: `<Error>${toXml({ Code: code })}</Error>` });

  function ofBucket(query: URLSearchParams, bucket: string): Reply {
    if (query.has('location')) return { body: '<LocationConstraint/>' };
    if (query.has('encryption')) return missing('ServerSideEncryptionConfigurationNotFoundError');
    const prefix = `${bucket}/${query.get('prefix') ?? ''}`;
    const found = [...objects.keys()].filter((path) => path.startsWith(prefix));
    const contents = found.map(
      (path) => `<Contents>${toXml({ Key: path.slice(bucket.length + 1) })}</Contents>`,
    );
    return {
      body: `<ListBucketResult><KeyCount>${found.length}</KeyCount>${contents.join('')}</ListBucketResult>`,
    };
  }

  return {
    objects,
    create: (name) => names.add(name),
    answer({ method, url = '/' }, body) {
      const { pathname, searchParams } = new URL(url, 'http://s3');
      const path = decodeURIComponent(pathname.slice(1));
      const [bucket = '', ...key] = path.split('/');
      if (!names.has(bucket)) return missing('NoSuchBucket');
      if (key.join('/') === '') return ofBucket(searchParams, bucket);
      if (method === 'PUT') {
        objects.set(path, body);
        return { headers: { etag: '"stored"' } };
      }
      const object = objects.get(path);
      return object ? { body: object } : missing('NoSuchKey');
    },
  };
}
