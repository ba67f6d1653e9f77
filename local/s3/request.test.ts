import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { readCopySource } from './copy.ts';
import type { S3Error } from './error.ts';
import { readS3Request, s3Operation } from './request.ts';

const requestOf = (method: string, url: string, headers: Record<string, string> = {}) =>
  Object.assign(new IncomingMessage(new Socket()), { method, url, headers });

/** The name of an operation and its needs in words, or the status and code of its refusal. */
function asked(method: string, url: string, headers: Record<string, string> = {}): unknown[] {
  const request = requestOf(method, url, headers);
  const read = readS3Request(request);
  if (!read) throw new Error('not for S3');
  try {
    const { name, needs } = s3Operation(request, read);
    return [name, ...needs.map(({ action, resource }) => `${action} ${resource}`)];
  } catch (error) {
    const { status, code } = error as S3Error;
    return [status, code];
  }
}

describe('the address of a request', () => {
  it.each([
    ['/files/in/a%20b%2Bc?x=1&x=2', 'files', 'in/a b+c', '/files/in/a%20b%2Bc'],
    ['/files/in/(%C3%A9)', 'files', 'in/(é)', '/files/in/%28%C3%A9%29'],
    ['/files', 'files', '', '/files'],
    ['/files/', 'files', '', '/files/'],
    ['/files//a', 'files', '/a', '/files//a'],
  ])('%s names a bucket and a key', (url, bucket, key, signedPath) => {
    const read = readS3Request(requestOf('GET', url));
    expect(read).toMatchObject({ bucket, key, signedPath });
    expect(read?.query.getAll('x')).toEqual(url.includes('?') ? ['1', '2'] : []);
  });

  it.each(['/', '//a', '/%ff/a'])('%s is for nothing of S3', (url) => {
    expect(readS3Request(requestOf('GET', url))).toBeUndefined();
  });
});

// "Actions, resources, and condition keys for Amazon S3", service authorization reference.
describe('a request to an object', () => {
  const OBJECT = 'arn:aws:s3:::files/in/a';
  it.each([
    ['PUT', 'PutObject', 's3:PutObject'],
    ['GET', 'GetObject', 's3:GetObject'],
    ['HEAD', 'HeadObject', 's3:GetObject'],
    ['DELETE', 'DeleteObject', 's3:DeleteObject'],
  ])('%s is %s and takes %s', (method, name, action) => {
    expect(asked(method, '/files/in/a')).toEqual([name, `${action} ${OBJECT}`]);
    const signed = '?X-Amz-Signature=a&x-amz-meta-b=c&x-id=PutObject&response-content-type=d';
    expect(asked(method, `/files/in/a${signed}`)).toEqual([name, `${action} ${OBJECT}`]);
  });

  it.each([
    ['POST', '/files/in/a', {}, [405, 'MethodNotAllowed']],
    ['PUT', '/files/in/a?uploadId=1', {}, [501, 'NotImplemented']],
    ['GET', '/files/in/a?x-id=GetObject&versionId=1', {}, [501, 'NotImplemented']],
    ['PUT', '/files/in/a', { 'x-amz-tagging': 'a=b' }, [501, 'NotImplemented']],
    ['PUT', '/files/in/a', { 'x-amz-acl': 'private' }, [501, 'NotImplemented']],
    ['PUT', '/files/in/a', { 'x-amz-write-offset-bytes': '1' }, [501, 'NotImplemented']],
  ])('%s %s with %j is refused: %j', (method, url, headers, refusal) => {
    expect(asked(method, url, headers as Record<string, string>)).toEqual(refusal);
  });

  it('that copies takes both the one and the other; where it copies from counts for a PUT alone', () => {
    const headers = { 'x-amz-copy-source': 'other/b%20c' };
    expect(asked('PUT', '/files/in/a', headers)).toEqual([
      'CopyObject',
      's3:GetObject arn:aws:s3:::other/b c',
      `s3:PutObject ${OBJECT}`,
    ]);
    expect(asked('GET', '/files/in/a', headers)).toEqual(['GetObject', `s3:GetObject ${OBJECT}`]);
  });
});

describe('a request to a bucket', () => {
  it.each([
    [
      'GET',
      '/files?list-type=2&max-keys=1&start-after=a&continuation-token=b&fetch-owner=c&encoding-type=url',
    ],
    ['HEAD', '/files'],
  ])('%s %s takes its list', (method, url) => {
    expect(asked(method, url)).toEqual([
      method === 'GET' ? 'ListObjectsV2' : 'HeadBucket',
      's3:ListBucket arn:aws:s3:::files',
    ]);
  });

  it('is held to what it names of keys', () => {
    const request = requestOf('GET', '/files?list-type=2&prefix=a%2F&delimiter=&max-keys=5&start-after=x');
    const read = readS3Request(request);
    expect(read && s3Operation(request, read).needs).toMatchObject([
      { conditions: { 's3:prefix': 'a/', 's3:delimiter': '', 's3:max-keys': '5' } },
    ]);
    const plain = requestOf('HEAD', '/files');
    const bare = readS3Request(plain);
    expect(bare && s3Operation(plain, bare).needs[0]?.conditions).toEqual({});
  });

  it.each([
    ['GET', '/files'],
    ['GET', '/files?list-type=1'],
    ['GET', '/files?location'],
    ['PUT', '/files'],
    ['DELETE', '/files'],
  ])('%s %s is not here', (method, url) => {
    expect(asked(method, url)).toEqual([501, 'NotImplemented']);
  });
});

describe('what a request copies', () => {
  const source = (headers: Record<string, string>) => {
    try {
      return readCopySource({ headers });
    } catch (error) {
      return (error as S3Error).code;
    }
  };

  it.each<[Record<string, string>, unknown]>([
    [{}, undefined],
    [{ 'x-amz-copy-source': 'b/k/l' }, { bucket: 'b', key: 'k/l' }],
    [{ 'x-amz-copy-source': '/b/k' }, { bucket: 'b', key: 'k' }],
    [{ 'x-amz-copy-source': 'b/%C3%A9%3F' }, { bucket: 'b', key: 'é?' }],
    [
      { 'x-amz-copy-source': 'b/k', 'x-amz-metadata-directive': 'COPY' },
      { bucket: 'b', key: 'k' },
    ],
    [{ 'x-amz-copy-source': 'b/k', 'x-amz-metadata-directive': 'REPLACE' }, 'NotImplemented'],
    [{ 'x-amz-copy-source': 'b/k', 'x-amz-tagging-directive': 'COPY' }, 'NotImplemented'],
    [{ 'x-amz-copy-source': 'b/k', 'x-amz-copy-source-if-match': 'x' }, 'NotImplemented'],
    [{ 'x-amz-copy-source': 'b/k?versionId=1' }, 'NotImplemented'],
    [{ 'x-amz-copy-source': 'b/' }, 'InvalidArgument'],
    [{ 'x-amz-copy-source': '/b' }, 'InvalidArgument'],
    [{ 'x-amz-copy-source': 'b/%ff' }, 'InvalidArgument'],
  ])('of %j is %j', (headers, expected) => {
    expect(source(headers)).toEqual(expected);
  });
});
