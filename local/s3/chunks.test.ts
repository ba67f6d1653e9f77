import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { cases } from '../../test/support/sample.ts';
import { createChunkDecoder } from './chunks.ts';

const encoded = (parts: readonly Uint8Array[], trailer: string) =>
  Buffer.concat([
    ...parts.flatMap((part) => [Buffer.from(`${part.length.toString(16)}\r\n`), part, Buffer.from('\r\n')]),
    Buffer.from(`0\r\n${trailer}\r\n\r\n`),
  ]);

/** Cuts bytes into pieces of these lengths, over and over. */
function* cut(bytes: Buffer, lengths: readonly number[]): Generator<Buffer> {
  for (let at = 0, n = 0; at < bytes.length; n += 1) {
    const length = lengths[n % lengths.length] ?? 1;
    yield bytes.subarray(at, at + length);
    at += length;
  }
}

it('gives back what was chunked, wherever the network cuts it', async () => {
  const part = fc.uint8Array({ minLength: 1, maxLength: 300 });
  const lengths = fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1 });
  await fc.assert(
    fc.asyncProperty(fc.array(part), lengths, async (parts, cuts) => {
      const { stream, trailers } = createChunkDecoder();
      const bytes = encoded(parts, 'x-amz-checksum-crc32: AAAAAA==');
      expect(await buffer(Readable.from(cut(bytes, cuts)).pipe(stream))).toEqual(Buffer.concat(parts));
      expect([...trailers()]).toEqual([['x-amz-checksum-crc32', 'AAAAAA==']]);
    }),
    { numRuns: cases(200) },
  );
});

it.each(['zz\r\nab\r\n', '2\r\nabc\r\n0\r\n\r\n', '5\r\nab', '2\r\nab\r\n'])('refuses %j', async (text) => {
  const { stream } = createChunkDecoder();
  await expect(buffer(Readable.from([Buffer.from(text)]).pipe(stream))).rejects.toThrow('not chunked');
});
