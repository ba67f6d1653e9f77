import { createHash } from 'node:crypto';
import { readdir, writeFile } from 'node:fs/promises';
import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { finished } from 'node:stream/promises';
import { crc32 } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../test/support/temporary-folder.ts';
import { signatureOf } from '../aws/signature.ts';
import { authenticate } from './authentication.ts';
import type { S3Error } from './error.ts';
import { openObjects } from './objects.ts';
import { readS3Request } from './request.ts';
import { receive } from './upload.ts';

async function given(folder = temporaryFolder()) {
  const objects = await openObjects(folder);
  async function put(key: string, text = key) {
    const draft = objects.draft();
    draft.sink.end(text);
    await finished(draft.sink);
    await objects.put({ key, file: draft.file, size: text.length, etag: 'e', modified: 0, headers: {} });
  }
  const files = async () => Promise.all(['bytes', 'heads'].map((name) => readdir(join(folder, name))));
  const counts = async () => (await files()).map(({ length }) => length);
  return { folder, objects, put, files, counts };
}

describe('the objects of a bucket', () => {
  it('leave no file of what was replaced, deleted or given up', async () => {
    const { objects, put, counts } = await given();
    await put('a', 'one');
    await put('a', 'two');
    await put('b');
    expect(await counts()).toEqual([2, 2]);
    const object = objects.get('a');
    if (!object) throw new Error('no object');
    expect((await buffer(objects.read(object))).toString()).toBe('two');
    await objects.delete('a');
    await objects.delete('never there');
    expect([objects.get('a'), await counts()]).toEqual([undefined, [1, 1]]);
    const draft = objects.draft();
    draft.sink.write('x');
    await objects.discard(draft);
    expect(await counts()).toEqual([1, 1]);
  });

  it('are there after a restart, without what was under way when it ended', async () => {
    const { folder, put } = await given();
    await put('kept');
    await writeFile(join(folder, 'bytes', 'half'), 'x');
    await writeFile(join(folder, 'heads', 'head.json.half'), '{');
    const { objects, counts } = await given(folder);
    expect(objects.list().map(({ key }) => key)).toEqual(['kept']);
    expect(await counts()).toEqual([1, 1]);
  });

  it('are in the order of their bytes', async () => {
    const { objects, put } = await given();
    const keys = ['😀', '\uffee', 'é', 'z', 'Z', 'a/b'];
    for (const key of keys) await put(key);
    const sorted = keys.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    expect(objects.list().map(({ key }) => key)).toEqual(sorted);
  });
});

/** What a function gives, or the code of its refusal. */
const codeOf = (error: unknown) => (error as S3Error).code;

describe('a body', () => {
  const PARTS = [Buffer.from('€'), Buffer.from('uro')];
  const BODY = Buffer.concat(PARTS);
  const digest = (name: string, encoding: 'hex' | 'base64') => createHash(name).update(BODY).digest(encoding);
  const crc = Buffer.alloc(4);
  crc.writeUInt32BE(crc32(BODY));

  function received(
    headers: Record<string, string>,
    payload = 'UNSIGNED-PAYLOAD',
    parts: readonly Buffer[] = PARTS,
  ) {
    const request = Object.assign(new IncomingMessage(new Socket()), { headers });
    for (const part of parts) request.push(part);
    request.push(null);
    const taken: Buffer[] = [];
    const sink = new Writable({
      write(chunk: Buffer, _, done) {
        taken.push(chunk);
        done();
      },
    });
    return receive(request, payload, sink).catch(codeOf);
  }
  const length = { 'content-length': String(BODY.length) };

  it('is taken with its size, its MD5, and the checksums that its sender has named', async () => {
    const checksums = {
      'x-amz-checksum-crc32': crc.toString('base64'),
      'x-amz-checksum-sha1': digest('sha1', 'base64'),
      'x-amz-checksum-sha256': digest('sha256', 'base64'),
    };
    const md5 = { 'content-md5': digest('md5', 'base64') };
    const expected = { size: 6, etag: digest('md5', 'hex'), checksum: checksums };
    expect(await received({ ...length, ...md5, ...checksums })).toEqual(expected);
    expect(await received(length, digest('sha256', 'hex'))).toEqual({ ...expected, checksum: {} });
  });

  const wrong = 'AAAA';
  it.each([
    [{ 'content-length': '5' }, 'IncompleteBody'],
    [{ 'content-length': '7' }, 'IncompleteBody'],
    [{}, 'MissingContentLength'],
    [{ ...length, 'transfer-encoding': 'chunked' }, 'MissingContentLength'],
    [{ 'content-length': String(5 * 1024 ** 3 + 1) }, 'EntityTooLarge'],
    [{ ...length, 'content-md5': wrong }, 'BadDigest'],
    [{ ...length, 'x-amz-checksum-crc32': wrong }, 'BadDigest'],
    [{ ...length, 'x-amz-checksum-sha1': wrong }, 'BadDigest'],
    [{ ...length, 'x-amz-checksum-sha256': wrong }, 'BadDigest'],
    [{ ...length, 'x-amz-checksum-crc32c': wrong }, 'NotImplemented'],
    [{ ...length, 'x-amz-trailer': 'x-amz-checksum-crc64nvme' }, 'NotImplemented'],
  ])('with %j is refused: %s', async (headers, code) => {
    expect(await received(headers as Record<string, string>)).toBe(code);
  });

  it.each([
    [digest('sha256', 'hex').replace(/^./, 'x'), 'object'],
    ['0'.repeat(64), 'XAmzContentSHA256Mismatch'],
    ['STREAMING-AWS4-HMAC-SHA256-PAYLOAD', 'NotImplemented'],
  ])('of which the signature says %s: %s', async (payload, expected) => {
    const outcome = await received(length, payload);
    expect(typeof outcome === 'string' ? outcome : typeof outcome).toBe(expected);
  });

  it('in chunks has its checksum at its end', async () => {
    const chunked = (sum: string) => [
      Buffer.from('3\r\n'),
      PARTS[0] as Buffer,
      Buffer.from(`\r\n3\r\nuro\r\n0\r\nx-amz-checksum-crc32:${sum}\r\n\r\n`),
    ];
    const headers = { 'x-amz-decoded-content-length': '6', 'x-amz-trailer': 'x-amz-checksum-crc32' };
    const payload = 'STREAMING-UNSIGNED-PAYLOAD-TRAILER';
    expect(await received(headers, payload, chunked(crc.toString('base64')))).toMatchObject({ size: 6 });
    expect(await received(headers, payload, chunked(wrong))).toBe('BadDigest');
  });
});

describe('a presigned address', () => {
  const AT = Date.parse('2026-01-31T12:00:00Z');
  const secretAccessKey = 'secret';

  function judged(after: number, change: Record<string, string> = {}) {
    const date = '20260131';
    const query = new URLSearchParams({
      'X-Amz-Algorithm': 'AWS4-HMAC-SHA256',
      'X-Amz-Credential': `key/${date}/us-east-1/s3/aws4_request`,
      'X-Amz-Date': '20260131T120000Z',
      'X-Amz-Expires': '60',
      'X-Amz-SignedHeaders': 'host',
      ...change,
    });
    const headers = { host: 'h' };
    const parts = { date, region: 'us-east-1', service: 's3', signedHeaders: ['host'] };
    const timestamp = query.get('X-Amz-Date') ?? '';
    const signable = { method: 'GET', path: '/b/k', query, headers, timestamp, payload: 'UNSIGNED-PAYLOAD' };
    query.set('X-Amz-Signature', signatureOf(secretAccessKey, signable, parts));
    const request = Object.assign(new IncomingMessage(new Socket()), {
      method: 'GET',
      headers,
      url: `/b/k?${query}`,
    });
    const asked = readS3Request(request);
    if (!asked) throw new Error('not for S3');
    const holder = { secretAccessKey, caller: {} as never };
    try {
      authenticate(request, asked, (id) => (id === 'key' ? holder : undefined), AT + after);
      return 'good';
    } catch (error) {
      return codeOf(error);
    }
  }

  it.each<[number, Record<string, string>, string]>([
    [0, {}, 'good'],
    [60_000, {}, 'good'],
    [60_001, {}, 'AccessDenied'],
    [604_800_000, { 'X-Amz-Expires': '604800' }, 'good'],
    [0, { 'X-Amz-Expires': '604801' }, 'AuthorizationQueryParametersError'],
    [0, { 'X-Amz-Expires': '0' }, 'AuthorizationQueryParametersError'],
    [0, { 'X-Amz-Expires': '1.5' }, 'AuthorizationQueryParametersError'],
    [0, { 'X-Amz-Expires': 'x' }, 'AuthorizationQueryParametersError'],
    [0, { 'X-Amz-Date': '20260201T120000Z' }, 'AuthorizationQueryParametersError'],
    [0, { 'X-Amz-Date': '20260131' }, 'AuthorizationQueryParametersError'],
    [0, { 'X-Amz-Algorithm': 'AWS4-HMAC-SHA1' }, 'AuthorizationQueryParametersError'],
    [0, { 'X-Amz-Credential': 'other/20260131/us-east-1/s3/aws4_request' }, 'InvalidAccessKeyId'],
  ])('after %i ms, with %j: %s', (after, change, expected) => {
    expect(judged(after, change)).toBe(expected);
  });
});
