import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { S3Client } from '@aws-sdk/client-s3';
import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { DOWNLOAD_SECONDS, UPLOAD_SECONDS } from '../../core/ports.ts';
import { brokenText } from '../../test/support/text.ts';
import { s3Files } from './files.ts';

interface Asked {
  method: string;
  path: string;
  headers: Record<string, string>;
}

/** The files of a bucket at a service that answers every request so. */
function given(statusCode = 200, code?: string, content?: Buffer) {
  const asked: Asked[] = [];
  const client = new S3Client({
    region: 'eu-west-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    requestChecksumCalculation: 'WHEN_REQUIRED',
    maxAttempts: 1,
    requestHandler: {
      async handle({ method, path, headers }: Asked) {
        asked.push({ method, path, headers });
        const error = code === undefined ? [] : [`<Error><Code>${code}</Code></Error>`];
        const body = Readable.from(content ? [content] : error);
        return { response: { statusCode, headers: {}, body } };
      },
    },
  });
  return { files: s3Files('bucket', client), asked };
}

const BYTES = Uint8Array.of(1, 2, 3);

describe('an address', () => {
  it('to upload to is good for ten minutes, one type, one length and one upload', async () => {
    const { files } = given();
    const { url, headers } = await files.uploadAddress('t/p/s/f', { type: 'image/png', size: 12_345 });
    const { searchParams, pathname } = new URL(url);
    expect(pathname).toBe('/t/p/s/f');
    expect(searchParams.get('X-Amz-Expires')).toBe(String(UPLOAD_SECONDS));
    expect(searchParams.get('X-Amz-SignedHeaders')).toBe('content-length;content-type;host;if-none-match');
    expect(headers).toEqual({ 'content-type': 'image/png', 'if-none-match': '*' });
    // Otherwise the client would have to send what it cannot know.
    expect([...searchParams.keys()].filter((name) => /checksum/i.test(name))).toEqual([]);
  });

  it('to download from says how long it is good, and what a browser is to take the bytes for', async () => {
    const { files } = given();
    const { searchParams } = new URL(await files.downloadAddress('t/p/s/f', { type: 'image/png' }));
    expect(Object.fromEntries(searchParams)).toMatchObject({
      'X-Amz-Expires': String(DOWNLOAD_SECONDS),
      'response-content-type': 'image/png',
      'response-content-disposition': `inline; filename="file.png"; filename*=UTF-8''file.png`,
      'response-cache-control': `private, max-age=${DOWNLOAD_SECONDS}`,
    });
  });

  it('has each name of a file in a header that every browser can read', async () => {
    const { files } = given();
    await fc.assert(
      fc.asyncProperty(brokenText({ maxLength: 20 }).filter(Boolean), async (name) => {
        const url = new URL(await files.downloadAddress('f', { type: 'image/png', name }));
        const header = url.searchParams.get('response-content-disposition') ?? '';
        // RFC 6266 and RFC 5987: a quoted text of ASCII, and what may stand in an extended value as it is.
        const [, plain = '', exact = ''] =
          /^inline; filename="([\x20-\x7e]*)"; filename\*=UTF-8''([\w!#$&+.^`|~%-]*)$/.exec(header) ?? [];
        expect(plain).not.toMatch(/["\\%]/);
        expect(plain).not.toBe('');
        expect(decodeURIComponent(exact)).toBe(name.toWellFormed());
      }),
      { numRuns: 50, examples: [["it's (1) of *.png"], ['"\\%'], ['日本語 é.png'], ['\ud83d']] },
    );
  });
});

describe('S3 that refuses', () => {
  /** What it says to a role that may not list the bucket, and to one that may. */
  const ABSENT = [
    [404, 'NoSuchKey'],
    [403, 'AccessDenied'],
  ] as const;
  const FAILED = [
    [503, 'SlowDown'],
    [500, 'InternalError'],
    [400, 'ExpiredToken'],
    [404, 'NoSuchBucket'],
  ] as const;

  it.each(ABSENT)('says with %d %s that a file is not there', async (status, code) => {
    const { files } = given(status, code);
    expect(await files.begin('f', 16)).toBeUndefined();
    expect(await files.read('f')).toBeUndefined();
    expect(await files.copy('f', 'g')).toBe(false);
  });

  it.each(FAILED)('with %d %s says nothing of a file: each call fails', async (status, code) => {
    const { files } = given(status, code);
    const calls = [
      files.begin('f', 16),
      files.read('f'),
      files.copy('f', 'g'),
      files.put('f', BYTES, 'image/png'),
      files.delete('f'),
    ];
    for (const call of calls) await expect(call).rejects.toMatchObject({ name: code });
  });

  it('with 412 says that a file of this key is there already; a denied write is none', async () => {
    expect(await given(412, 'PreconditionFailed').files.put('f', BYTES, 'image/png')).toBe(false);
    const denied = given(403, 'AccessDenied').files.put('f', BYTES, 'image/png');
    await expect(denied).rejects.toMatchObject({ name: 'AccessDenied' });
  });
});

it('a file is put only where none is, and copied from its key whatever its characters are', async () => {
  const { files, asked } = given();
  await files.put('t/f', BYTES, 'image/png');
  // The answer is none of S3's.
  await expect(files.copy('a%2Fb/ü/f', 't/g')).rejects.toThrow();
  expect(asked[0]?.headers).toMatchObject({ 'if-none-match': '*', 'content-type': 'image/png' });
  expect(asked[1]?.headers['x-amz-copy-source']).toBe('bucket/a%252Fb/%C3%BC/f');
});

it('of the files of a prompt, as many bytes as it can have are fetched once: its next step has them at once', async () => {
  // core/turn/prompt-files.ts
  const ofPrompt = 24 * 1024 * 1024;
  const { files, asked } = given(200, undefined, Buffer.alloc(ofPrompt / 2, 1));
  for (const key of ['a', 'b', 'a', 'b']) expect(await files.read(key)).toHaveLength((ofPrompt / 2 / 3) * 4);
  expect(asked.map(({ path }) => path)).toEqual(['/a', '/b']);
});

it.each([
  [1, 'bytes=0-0'],
  [4100, 'bytes=0-4099'],
])('of the first %d bytes of a file, no more are asked for: %s', async (bytes, range) => {
  const { files, asked } = given(206);
  await files.begin('f', bytes);
  expect(asked[0]?.headers.range).toBe(range);
});

it('an empty file, which has no first bytes, is as one that is not there', async () => {
  expect(await given(416, 'InvalidRange').files.begin('f', 16)).toBeUndefined();
});

describe('the client that functions have', () => {
  afterEach(() => {
    vi.unstubAllEnvs();
    vi.restoreAllMocks();
  });

  /** The files of a bucket at a service that breaks so many requests off, and then answers. */
  async function givenBreaks(breaks: number) {
    const asked: string[] = [];
    const server = createServer((request, response) => {
      asked.push(request.method ?? '');
      if (asked.length <= breaks) response.destroy();
      else response.writeHead(200, { 'content-length': 1 }).end('x');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const env = { AWS_ENDPOINT_URL_S3: endpoint, AWS_REGION: 'eu-west-1' };
    const keys = { AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test' };
    for (const [name, value] of Object.entries({ ...env, ...keys })) vi.stubEnv(name, value);
    // Between two tries there is a time of chance: none.
    vi.spyOn(Math, 'random').mockReturnValue(0);
    const close = () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
    return { files: s3Files('bucket'), asked, close };
  }

  it('tries four times, and then fails', async () => {
    for (const breaks of [3, 4]) {
      const { files, asked, close } = await givenBreaks(breaks);
      const reading = files.read('f');
      if (breaks === 3) expect(await reading).toBe('eA==');
      else await expect(reading).rejects.toThrow();
      expect(asked).toHaveLength(4);
      await close();
    }
  });

  it('signs no checksum into an address: its client could not know it', async () => {
    const { files, close } = await givenBreaks(0);
    const { url } = await files.uploadAddress('f', { type: 'image/png', size: 1 });
    expect([...new URL(url).searchParams.keys()].filter((name) => /checksum/i.test(name))).toEqual([]);
    await close();
  });
});
