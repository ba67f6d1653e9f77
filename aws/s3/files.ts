import type { S3Client } from '@aws-sdk/client-s3';
import { DOWNLOAD_SECONDS, type Files, UPLOAD_SECONDS } from '../../core/ports.ts';
import { FILE_TIMEOUTS } from '../timeouts.ts';
import { createTextCache } from './text-cache.ts';

/** Of files that were read, in base64: one prompt with as many as it can have. The next step of the turn has them at once. */
const CACHE_BYTES = 34 * 1024 * 1024;

/**
 * The files of a bucket. The SDK's client is loaded with the first call, so that functions without files do not load it.
 *
 * @param client for tests. @default - one of this execution environment
 */
export function s3Files(bucket: string, client?: S3Client): Files {
  const cache = createTextCache(CACHE_BYTES);
  const loaded = once(async () => {
    const [sdk, { getSignedUrl }] = await Promise.all([
      import('@aws-sdk/client-s3'),
      import('@aws-sdk/s3-request-presigner'),
    ]);
    // Otherwise the SDK would sign the checksum of an empty body into each address.
    const s3 = client ?? new sdk.S3Client({ ...FILE_TIMEOUTS, requestChecksumCalculation: 'WHEN_REQUIRED' });
    return { s3, sdk, getSignedUrl };
  });
  const get = async (Key: string, Range?: string) => {
    const { s3, sdk } = await loaded();
    try {
      const { Body, ContentRange, ContentLength } = await s3.send(
        new sdk.GetObjectCommand({ Bucket: bucket, Key, ...(Range && { Range }) }),
      );
      const bytes = (await Body?.transformToByteArray()) ?? new Uint8Array();
      return { bytes, size: Number(ContentRange?.split('/')[1] ?? ContentLength) };
    } catch (error) {
      if (isAbsent(error)) return undefined;
      throw error;
    }
  };
  return {
    async uploadAddress(Key, { type, size }) {
      const { s3, sdk, getSignedUrl } = await loaded();
      // Each of these headers is signed: S3 refuses another length or type, and a second upload to the same key.
      const headers = { 'content-type': type, 'if-none-match': '*' };
      const url = await getSignedUrl(
        s3,
        new sdk.PutObjectCommand({
          Bucket: bucket,
          Key,
          ContentType: type,
          ContentLength: size,
          IfNoneMatch: '*',
        }),
        {
          expiresIn: UPLOAD_SECONDS,
          signableHeaders: new Set(['host', 'content-length', ...Object.keys(headers)]),
          unhoistableHeaders: new Set(Object.keys(headers)),
        },
      );
      return { url, headers };
    },
    async downloadAddress(Key, { type, name }) {
      const { s3, sdk, getSignedUrl } = await loaded();
      const command = new sdk.GetObjectCommand({
        Bucket: bucket,
        Key,
        // One of a short list, of which a browser runs nothing.
        ResponseContentType: type,
        ResponseContentDisposition: disposition(type, name),
        ResponseCacheControl: `private, max-age=${DOWNLOAD_SECONDS}`,
      });
      return getSignedUrl(s3, command, { expiresIn: DOWNLOAD_SECONDS });
    },
    begin: (key, bytes) => get(key, `bytes=0-${bytes - 1}`),
    read: (key) =>
      cache.get(key, async () => {
        const found = await get(key);
        return (
          found &&
          Buffer.from(found.bytes.buffer, found.bytes.byteOffset, found.bytes.length).toString('base64')
        );
      }),
    async put(Key, Body, ContentType) {
      const { s3, sdk } = await loaded();
      try {
        await s3.send(new sdk.PutObjectCommand({ Bucket: bucket, Key, Body, ContentType, IfNoneMatch: '*' }));
        return true;
      } catch (error) {
        if (error instanceof Error && error.name === 'PreconditionFailed') return false;
        throw error;
      }
    },
    async copy(from, Key) {
      const { s3, sdk } = await loaded();
      const CopySource = [bucket, ...from.split('/')].map(encodeURIComponent).join('/');
      try {
        await s3.send(new sdk.CopyObjectCommand({ Bucket: bucket, Key, CopySource }));
        return true;
      } catch (error) {
        if (isAbsent(error)) return false;
        throw error;
      }
    },
    async delete(Key) {
      const { s3, sdk } = await loaded();
      await s3.send(new sdk.DeleteObjectCommand({ Bucket: bucket, Key }));
    },
  };
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => (made ??= make());
}

/** A role that may not list the bucket is told that it is not allowed to read what is not there: `GetObject`, API reference. */
const isAbsent = (error: unknown): boolean =>
  error instanceof Error && ['NoSuchKey', 'NotFound', 'AccessDenied', 'InvalidRange'].includes(error.name);

/** Shown in the page, under a name for who saves it. Source: RFC 6266. */
function disposition(type: string, name = `file.${type.split('/')[1]}`): string {
  const plain = name.replace(/[^\x20-\x7e]|["\\%]/g, '_');
  const exact = encodeURIComponent(name.toWellFormed()).replace(
    /['()*]/g,
    (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `inline; filename="${plain}"; filename*=UTF-8''${exact}`;
}
