import { describe, expect, it } from 'vitest';
import { s3Files } from '../../aws/s3/files.ts';
import type { Files } from '../../core/ports.ts';
import { memoryFiles } from '../../core/testing/memory-files.ts';
import { allow, Bucket, givenBucket } from '../../local/s3/test-bucket.ts';

/** A role that may not list the bucket, as those of the functions, is not told that an object is missing. */
const OBJECTS = allow(['s3:PutObject', 's3:GetObject', 's3:DeleteObject'], `${Bucket}/*`);
const LISTING = allow(['s3:ListBucket'], Bucket);
const s3 = async (statements: Parameters<typeof givenBucket>[0]) =>
  s3Files(Bucket, (await givenBucket(statements)).s3);

describe.each<[string, () => Promise<Files>]>([
  ['in memory', async () => memoryFiles()],
  ['of S3', () => s3({ statements: [OBJECTS] })],
  ['of S3, which may be listed', () => s3({ statements: [OBJECTS, LISTING] })],
])('the files %s', (_, given) => {
  const bytes = Uint8Array.from({ length: 100 }, (_, i) => i);

  it('has as many first bytes of a file as are asked for, and the size of the whole', async () => {
    const files = await given();
    await files.put('a/b/c/d', bytes, 'image/png');
    for (const count of [1, 16, 99, 100, 101]) {
      const found = await files.begin('a/b/c/d', count);
      expect({ ...found, bytes: [...(found?.bytes ?? [])] }).toEqual({
        bytes: [...bytes.slice(0, count)],
        size: 100,
      });
    }
    expect(await files.read('a/b/c/d')).toBe(Buffer.from(bytes).toString('base64'));
  });

  it('keeps the first file of a key', async () => {
    const files = await given();
    expect(await files.put('a/b/c/d', bytes, 'image/png')).toBe(true);
    expect(await files.put('a/b/c/d', bytes.slice(0, 1), 'image/gif')).toBe(false);
    expect((await files.begin('a/b/c/d', 1))?.size).toBe(100);
    expect(await files.copy('a/b/c/d', 'a/b/e/d')).toBe(true);
    await files.delete('a/b/c/d');
    expect((await files.begin('a/b/e/d', 1))?.size).toBe(100);
  });

  it('says of a file that is not there that it is not there', async () => {
    const files = await given();
    expect(await files.begin('a/b/c/none', 16)).toBeUndefined();
    expect(await files.read('a/b/c/none')).toBeUndefined();
    expect(await files.copy('a/b/c/none', 'a/b/e/none')).toBe(false);
    await files.delete('a/b/c/none');
  });
});
