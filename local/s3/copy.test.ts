import { CopyObjectCommand, type CopyObjectCommandInput } from '@aws-sdk/client-s3';
import { describe, expect, it } from 'vitest';
import { allow, Bucket, failing, givenBucket } from './test-bucket.ts';

async function given(options: Parameters<typeof givenBucket>[0] = {}) {
  const bucket = await givenBucket(options);
  const copy = (from: string, Key: string, more: Partial<CopyObjectCommandInput> = {}) => {
    const CopySource = `${Bucket}/${from.split('/').map(encodeURIComponent).join('/')}`;
    return bucket.s3.send(new CopyObjectCommand({ Bucket, Key, CopySource, ...more }));
  };
  return { ...bucket, copy };
}

describe('a copy of an object', () => {
  it('has its bytes, its headers and its ETag, and outlives it', async () => {
    const { put, get, copy } = await given();
    const { ETag } = await put('in/ünï & a+b', 'bytes', {
      ContentType: 'image/png',
      Metadata: { owner: 'ada' },
    });
    const answer = await copy('in/ünï & a+b', 'out');
    expect(answer.CopyObjectResult).toEqual({ ETag, LastModified: expect.any(Date) });
    await put('in/ünï & a+b', 'others');
    const copied = await get('out');
    expect(copied.bytes.toString()).toBe('bytes');
    expect(copied).toMatchObject({ ETag, ContentType: 'image/png', Metadata: { owner: 'ada' } });
  });

  it('is refused of what is not there, of itself, and in the place of what is to stay', async () => {
    const { put, copy } = await given();
    await expect(copy('a', 'b')).rejects.toEqual(failing('NoSuchKey', 404));
    await put('a');
    await expect(copy('a', 'a')).rejects.toEqual(failing('InvalidRequest', 400));
    await expect(copy('a', 'b', { CopySource: 'a' })).rejects.toEqual(failing('InvalidArgument', 400));
    await expect(copy('a', 'b', { CopySource: 'else/a' })).rejects.toEqual(failing('AccessDenied', 403));
    await copy('a', 'b');
    await expect(copy('a', 'b', { IfNoneMatch: '*' })).rejects.toEqual(failing('PreconditionFailed', 412));
  });

  it.each([
    [allow(['s3:GetObject'], `${Bucket}/in/*`), allow(['s3:PutObject'], `${Bucket}/in/*`)],
    [allow(['s3:PutObject'], `${Bucket}/*`)],
    [allow(['s3:PutObject', 's3:GetObject'], `${Bucket}/out/*`)],
  ])('needs the right to read the one and to put the other', async (...statements) => {
    const { copy } = await given({ statements });
    await expect(copy('in/a', 'out/a')).rejects.toEqual(failing('AccessDenied', 403));
  });

  it('of what is not there is denied to who may not list the bucket, as a read of it is', async () => {
    const { put, copy, get } = await given({
      statements: [allow(['s3:PutObject', 's3:GetObject'], `${Bucket}/*`)],
    });
    await expect(copy('a', 'b')).rejects.toEqual(failing('AccessDenied', 403));
    await put('a', 'one');
    await copy('a', 'b');
    expect((await get('b')).bytes.toString()).toBe('one');
  });
});
