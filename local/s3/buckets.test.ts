import { createHash, randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import {
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../test/support/temporary-folder.ts';
import { newAccessKey } from '../aws/access-key.ts';
import { allow, Bucket, failing, givenBucket } from './test-bucket.ts';

describe('an object', () => {
  it('comes back with its bytes, metadata and ETag', async () => {
    const { s3, put, get } = await givenBucket();
    const body = randomBytes(300_000);
    const stored = await put('in/ünïcode & more+.bin', body, {
      ContentType: 'image/png',
      ContentDisposition: 'inline',
      Metadata: { owner: 'ada' },
    });
    const object = await get('in/ünïcode & more+.bin');
    expect(object.bytes.equals(body)).toBe(true);
    expect(object).toMatchObject({
      ContentType: 'image/png',
      ContentDisposition: 'inline',
      Metadata: { owner: 'ada' },
    });
    expect([stored.ETag, object.ETag]).toEqual(
      Array(2).fill(`"${createHash('md5').update(body).digest('hex')}"`),
    );
    const head = await s3.send(new HeadObjectCommand({ Bucket, Key: 'in/ünïcode & more+.bin' }));
    expect(head).toMatchObject({ ContentLength: body.length, ContentType: 'image/png' });
  });

  it('of 20 MB goes in and out as a stream, with the checksum in a trailer', async () => {
    const { put, get } = await givenBucket();
    const body = randomBytes(20 * 1024 * 1024);
    await put('large', Readable.from([body.subarray(0, 7_000_001), body.subarray(7_000_001)]), {
      ContentLength: body.length,
    });
    // The client compares the checksum that comes with it.
    const object = await get('large');
    expect(object.bytes.equals(body)).toBe(true);
    expect(object.ChecksumCRC32).toMatch(/^[\w+/]{6}==$/);
    expect(object.ContentEncoding).toBeUndefined();
  });

  it('is replaced as a whole, and gone after its deletion', async () => {
    const { s3, put, get } = await givenBucket();
    await put('a', 'one');
    await put('a', 'two');
    expect((await get('a')).bytes.toString()).toBe('two');
    const remove = () => s3.send(new DeleteObjectCommand({ Bucket, Key: 'a' }));
    await remove();
    await expect(get('a')).rejects.toEqual(failing('NoSuchKey', 404));
    expect((await remove()).$metadata.httpStatusCode).toBe(204);
  });

  it('outlives a restart with a data folder', async () => {
    const folder = temporaryFolder();
    const before = await givenBucket({ folder });
    await before.put('kept', 'still here', { ContentType: 'text/plain' });
    const { get } = await givenBucket({ folder });
    const object = await get('kept');
    expect([object.bytes.toString(), object.ContentType]).toEqual(['still here', 'text/plain']);
  });

  it('is given in part, or not at all to whoever has it', async () => {
    const { put, get } = await givenBucket();
    const { ETag } = await put('digits', '0123456789');
    const part = async (Range: string) => (await get('digits', { Range })).bytes.toString();
    expect([await part('bytes=2-4'), await part('bytes=8-99'), await part('bytes=-3')]).toEqual([
      '234',
      '89',
      '789',
    ]);
    await expect(part('bytes=10-')).rejects.toEqual(failing('InvalidRange', 416));
    await expect(get('digits', { IfNoneMatch: ETag })).rejects.toMatchObject({
      $metadata: { httpStatusCode: 304 },
    });
    await expect(get('digits', { IfMatch: '"other"' })).rejects.toEqual(failing('PreconditionFailed', 412));
  });

  it('is written only if its condition holds', async () => {
    const { put, get } = await givenBucket();
    const { ETag } = await put('once', 'first', { IfNoneMatch: '*' });
    await expect(put('once', 'second', { IfNoneMatch: '*' })).rejects.toEqual(
      failing('PreconditionFailed', 412),
    );
    await expect(put('once', 'second', { IfMatch: '"other"' })).rejects.toEqual(
      failing('PreconditionFailed', 412),
    );
    await put('once', 'second', { IfMatch: ETag });
    expect((await get('once')).bytes.toString()).toBe('second');
  });

  it('is written by one of several that come at a time and want it to be new', async () => {
    const { put, get } = await givenBucket();
    const writers = ['a', 'b', 'c', 'd'];
    const written = await Promise.allSettled(writers.map((text) => put('new', text, { IfNoneMatch: '*' })));
    const first = written.findIndex(({ status }) => status === 'fulfilled');
    expect(written.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect((await get('new')).bytes.toString()).toBe(writers[first]);
  });

  it('has a key of at most 1024 bytes, whatever its letters', async () => {
    const { put, get } = await givenBucket();
    const longest = 'é'.repeat(512);
    await put(longest, 'x');
    expect((await get(longest)).bytes.toString()).toBe('x');
    await expect(put(`${longest}x`, 'x')).rejects.toEqual(failing('KeyTooLongError', 400));
  });
});

describe('an upload that is not what its sender says', () => {
  const wrong = Buffer.alloc(4).toString('base64');
  it.each([
    ['a checksum', { ChecksumCRC32: wrong }, 'BadDigest'],
    ['an MD5', { ContentMD5: Buffer.alloc(16).toString('base64') }, 'BadDigest'],
    ['a checksum that is not here', { ChecksumCRC32C: wrong }, 'NotImplemented'],
  ])('by %s is refused, and leaves what was there', async (_what, more, name) => {
    const { put, get } = await givenBucket();
    await put('a', 'before');
    await expect(put('a', 'after', more)).rejects.toMatchObject({ name });
    expect((await get('a')).bytes.toString()).toBe('before');
  });

  it('by its signed hash is refused', async () => {
    const { s3, put } = await givenBucket();
    s3.middlewareStack.add(
      (next) => (args) => {
        Object(args.request).body = 'forged';
        return next(args);
      },
      { step: 'finalizeRequest', priority: 'low' },
    );
    await expect(put('a', 'signed', { ChecksumAlgorithm: undefined })).rejects.toMatchObject({
      name: expect.stringMatching(/XAmzContentSHA256Mismatch|BadDigest/),
    });
  });
});

describe('a listing', () => {
  it('has keys in the order of their bytes, by prefix and page', async () => {
    const { s3, put } = await givenBucket();
    for (const key of ['b', 'a/2', 'a/1', 'Z', 'é']) await put(key);
    const list = async (more = {}) => s3.send(new ListObjectsV2Command({ Bucket, ...more }));
    const keys = async (more = {}) => ((await list(more)).Contents ?? []).map(({ Key }) => Key);
    expect(await keys()).toEqual(['Z', 'a/1', 'a/2', 'b', 'é']);
    expect(await keys({ Prefix: 'a/', EncodingType: 'url' })).toEqual(['a/1', 'a/2']);
    expect(await keys({ StartAfter: 'a/1' })).toEqual(['a/2', 'b', 'é']);
    const first = await list({ MaxKeys: 2 });
    expect(first).toMatchObject({ IsTruncated: true, KeyCount: 2 });
    expect(await keys({ MaxKeys: 2, ContinuationToken: first.NextContinuationToken })).toEqual(['a/2', 'b']);
  });

  it('counts keys with the same beginning as one, also across pages', async () => {
    const { s3, put } = await givenBucket();
    for (const key of ['a/1', 'a/2', 'b', 'c/1']) await put(key);
    const seen: (string | undefined)[] = [];
    let ContinuationToken: string | undefined;
    do {
      const page = await s3.send(
        new ListObjectsV2Command({ Bucket, Delimiter: '/', MaxKeys: 1, ContinuationToken }),
      );
      seen.push(
        ...(page.CommonPrefixes ?? []).map(({ Prefix }) => Prefix),
        ...(page.Contents ?? []).map(({ Key }) => Key),
      );
      ContinuationToken = page.NextContinuationToken;
    } while (ContinuationToken);
    expect(seen).toEqual(['a/', 'b', 'c/']);
  });
});

describe('a role', () => {
  it('may do what its statements allow, on these keys only', async () => {
    const { s3, put } = await givenBucket({
      statements: [allow(['s3:PutObject', 's3:GetObject'], `${Bucket}/mine/*`)],
    });
    await put('mine/a');
    await expect(put('theirs/a')).rejects.toMatchObject({
      name: 'AccessDenied',
      message: expect.stringMatching(
        /^User: arn:aws:sts::.*assumed-role.* is not authorized to perform: s3:PutObject on resource: "arn:aws:s3:::midturn-files\/theirs\/a"/,
      ),
    });
    await expect(s3.send(new DeleteObjectCommand({ Bucket, Key: 'mine/a' }))).rejects.toMatchObject({
      name: 'AccessDenied',
    });
    await expect(s3.send(new ListObjectsV2Command({ Bucket }))).rejects.toMatchObject({
      name: 'AccessDenied',
    });
  });

  it('that may not list is not told whether a key exists', async () => {
    const { get } = await givenBucket({ statements: [allow(['s3:GetObject'], `${Bucket}/*`)] });
    await expect(get('nothing')).rejects.toEqual(failing('AccessDenied', 403));
  });

  it('may be held to a prefix of what it lists', async () => {
    const Condition = { StringEquals: { 's3:prefix': 'mine/' } };
    const { s3 } = await givenBucket({
      statements: [{ ...Object(allow(['s3:ListBucket'], Bucket)), Condition }],
    });
    await s3.send(new ListObjectsV2Command({ Bucket, Prefix: 'mine/' }));
    await expect(s3.send(new ListObjectsV2Command({ Bucket }))).rejects.toMatchObject({
      name: 'AccessDenied',
    });
  });

  it('is told of a bucket that does not exist', async () => {
    const { s3 } = await givenBucket({ statements: [allow(['s3:*'], '*')] });
    const other = new PutObjectCommand({ Bucket: 'other', Key: 'a', Body: '' });
    await expect(s3.send(other)).rejects.toEqual(failing('NoSuchBucket', 404));
    await s3.send(new HeadBucketCommand({ Bucket }));
  });
});

it('a request with a wrong secret, an unknown key, or none at all is refused', async () => {
  const forged = await givenBucket({ secretAccessKey: 'wrong' });
  await expect(forged.put('a')).rejects.toEqual(failing('SignatureDoesNotMatch', 403));
  const { origin, put } = await givenBucket({ credentials: newAccessKey() });
  await expect(put('a')).rejects.toEqual(failing('InvalidAccessKeyId', 403));
  const anonymous = await fetch(`${origin}/${Bucket}/a`);
  expect([anonymous.status, await anonymous.text()]).toEqual([
    403,
    expect.stringContaining('<Code>AccessDenied</Code>'),
  ]);
  expect((await fetch(`${origin}/assets/page.js`)).status).toBe(418);
});

it.each([
  [
    'copies with other metadata',
    () =>
      new CopyObjectCommand({ Bucket, Key: 'b', CopySource: `${Bucket}/a`, MetadataDirective: 'REPLACE' }),
  ],
  [
    'copies under conditions on the source',
    () => new CopyObjectCommand({ Bucket, Key: 'b', CopySource: `${Bucket}/a`, CopySourceIfMatch: 'x' }),
  ],
  [
    'copies of versions',
    () => new CopyObjectCommand({ Bucket, Key: 'b', CopySource: `${Bucket}/a?versionId=1` }),
  ],
  ['multipart uploads', () => new CreateMultipartUploadCommand({ Bucket, Key: 'b' })],
])('says that it has no %s', async (_what, command) => {
  const { s3 } = await givenBucket();
  await expect(s3.send(command() as PutObjectCommand)).rejects.toEqual(failing('NotImplemented', 501));
});
