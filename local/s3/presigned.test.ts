import { randomBytes } from 'node:crypto';
import { GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { describe, expect, it } from 'vitest';
import { allow, Bucket, givenBucket } from './test-bucket.ts';

const CORS = [
  {
    AllowedMethods: ['PUT', 'GET'],
    AllowedOrigins: ['https://chat.example.com'],
    AllowedHeaders: ['content-type', 'x-amz-*'],
    ExposedHeaders: ['ETag'],
    MaxAge: 300,
  },
];

describe('a presigned address', () => {
  it('takes an upload of a browser as its rule allows, and gives it back', async () => {
    const { s3 } = await givenBucket({ cors: CORS });
    const address = await getSignedUrl(
      s3,
      new PutObjectCommand({ Bucket, Key: 'up', ContentType: 'image/png' }),
      {
        signableHeaders: new Set(['content-type']),
      },
    );
    const asked = await fetch(address, {
      method: 'OPTIONS',
      headers: {
        origin: 'http://localhost:5173',
        'access-control-request-method': 'PUT',
        'access-control-request-headers': 'content-type',
      },
    });
    expect(asked.status).toBe(200);
    expect(Object.fromEntries(asked.headers)).toMatchObject({
      'access-control-allow-origin': 'http://localhost:5173',
      'access-control-allow-methods': 'PUT, GET',
      'access-control-allow-headers': 'content-type',
      'access-control-max-age': '300',
    });
    const body = randomBytes(20 * 1024 * 1024);
    const page = { origin: 'http://localhost:5173' };
    const stored = await fetch(address, {
      method: 'PUT',
      body,
      headers: { ...page, 'content-type': 'image/png' },
    });
    expect(stored.status).toBe(200);
    expect(stored.headers.get('access-control-expose-headers')).toBe('ETag');
    const other = await fetch(address, {
      method: 'PUT',
      body,
      headers: { ...page, 'content-type': 'text/html' },
    });
    expect([other.status, await other.text()]).toEqual([
      403,
      expect.stringContaining('SignatureDoesNotMatch'),
    ]);

    const reading = new GetObjectCommand({
      Bucket,
      Key: 'up',
      ResponseContentDisposition: 'attachment; filename="a.png"',
    });
    const read = await fetch(await getSignedUrl(s3, reading), { headers: page });
    expect(Buffer.from(await read.arrayBuffer()).equals(body)).toBe(true);
    expect(read.headers.get('content-type')).toBe('image/png');
    expect(read.headers.get('content-disposition')).toBe('attachment; filename="a.png"');
  });

  it("is of no use after its time, with another key in it, or without the role's permission", async () => {
    let now = Date.now;
    const { s3, put } = await givenBucket({ now: () => now() });
    await put('a', 'secret');
    const address = await getSignedUrl(s3, new GetObjectCommand({ Bucket, Key: 'a' }), { expiresIn: 60 });
    expect((await fetch(address)).status).toBe(200);
    expect((await fetch(address.replace('/a?', '/b?'))).status).toBe(403);
    expect((await fetch(address.replace('Expires=60', 'Expires=600'))).status).toBe(403);
    now = () => Date.now() + 61_000;
    const late = await fetch(address);
    expect([late.status, await late.text()]).toEqual([403, expect.stringContaining('Request has expired')]);
    const other = await givenBucket({ statements: [allow(['s3:GetObject'], `${Bucket}/*`)] });
    const denied = await fetch(await getSignedUrl(other.s3, new PutObjectCommand({ Bucket, Key: 'a' })), {
      method: 'PUT',
      body: 'x',
    });
    expect([denied.status, await denied.text()]).toEqual([403, expect.stringContaining('s3:PutObject')]);
  });

  it('takes no upload of a page while no rule allows it, as a browser would have asked on AWS', async () => {
    const { s3 } = await givenBucket();
    const address = await getSignedUrl(s3, new PutObjectCommand({ Bucket, Key: 'up' }));
    const upload = (headers: Record<string, string>) => fetch(address, { method: 'PUT', body: 'x', headers });
    const refused = await upload({ origin: 'http://localhost:5173' });
    expect([refused.status, await refused.text()]).toEqual([
      403,
      expect.stringContaining('CORS is not enabled for this bucket'),
    ]);
    expect((await upload({})).status).toBe(200);
  });
});
