import { createHash, type Hash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { Transform, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { crc32 } from 'node:zlib';
import { createChunkDecoder } from './chunks.ts';
import { notHere, S3Error } from './error.ts';

/** What was read of a body. */
export interface Received {
  size: number;
  /** MD5 in hex. */
  etag: string;
  /** The checksum that the sender has named and that fits, as a header. */
  checksum: Readonly<Record<string, string>>;
}

/** The most that one PUT may carry. Source: "Uploading objects", Amazon S3 user guide. */
const MAX_BYTES = 5 * 1024 ** 3;

const CHECKSUMS = ['crc32', 'sha1', 'sha256'] as const;
const NOT_HERE = ['crc32c', 'crc64nvme'] as const;

/**
 * Reads a body to its end and checks what its sender says of it: its length, its SHA-256 if that is signed, and its checksums. Source:
 * "Checking object integrity in Amazon S3", user guide.
 * Checksums in a presigned address count for nothing: S3 does not look at them (aws-sdk-go-v2 #2610, localstack #12169), and the SDK for
 * JavaScript writes that of an empty body.
 * @param payload what the signature says of the body
 * @throws {S3Error} for a body that is not what was said
 */
export async function receive(request: IncomingMessage, payload: string, sink: Writable): Promise<Received> {
  const { headers } = request;
  const said = (name: string) => headers[name]?.toString();
  const chunked = payload === 'STREAMING-UNSIGNED-PAYLOAD-TRAILER';
  if (payload.startsWith('STREAMING-') && !chunked) throw notHere(`body with ${payload}`);
  const other = NOT_HERE.find(
    (name) => said(`x-amz-checksum-${name}`) !== undefined || hasTrailer(headers, name),
  );
  if (other !== undefined) throw notHere(`checksum ${other}`);
  const length = Number(chunked ? said('x-amz-decoded-content-length') : said('content-length'));
  if (!Number.isInteger(length) || (headers['transfer-encoding'] !== undefined && !chunked)) {
    throw new S3Error(411, 'MissingContentLength', 'You must provide the Content-Length HTTP header.');
  }
  if (length > MAX_BYTES)
    throw new S3Error(400, 'EntityTooLarge', 'Your proposed upload exceeds the maximum allowed size');

  const digests = measure();
  const decoder = chunked ? createChunkDecoder() : undefined;
  try {
    if (decoder) await pipeline(request, decoder.stream, digests.stream, sink);
    else await pipeline(request, digests.stream, sink);
  } catch (error) {
    if (error instanceof S3Error) throw error;
    throw new S3Error(400, 'IncompleteBody', 'The request body terminated unexpectedly');
  }
  const { size, md5, all } = digests.results();
  if (size !== length) {
    throw new S3Error(
      400,
      'IncompleteBody',
      'You did not provide the number of bytes specified by the Content-Length HTTP header',
    );
  }
  if (/^[0-9a-f]{64}$/.test(payload) && Buffer.from(all.sha256, 'base64').toString('hex') !== payload) {
    const text = "The provided 'x-amz-content-sha256' header does not match what was computed.";
    throw new S3Error(400, 'XAmzContentSHA256Mismatch', text);
  }
  const wrongMd5 = said('content-md5');
  if (wrongMd5 !== undefined && wrongMd5 !== Buffer.from(md5, 'hex').toString('base64'))
    throw badDigest('MD5');
  const checksum: Record<string, string> = {};
  for (const name of CHECKSUMS) {
    const header = `x-amz-checksum-${name}`;
    const given = decoder?.trailers().get(header) ?? said(header);
    if (given === undefined) continue;
    if (given !== all[name]) throw badDigest(name.toUpperCase());
    checksum[header] = given;
  }
  return { size, etag: md5, checksum };
}

const hasTrailer = (headers: IncomingMessage['headers'], name: string): boolean =>
  String(headers['x-amz-trailer'] ?? '').includes(`x-amz-checksum-${name}`);

const badDigest = (name: string) =>
  new S3Error(400, 'BadDigest', `The ${name} you specified did not match the calculated checksum.`);

/** Counts and digests what passes. */
function measure() {
  const hashes: Readonly<Record<'md5' | 'sha1' | 'sha256', Hash>> = {
    md5: createHash('md5'),
    sha1: createHash('sha1'),
    sha256: createHash('sha256'),
  };
  let size = 0;
  let crc = 0;
  const stream = new Transform({
    transform(chunk: Buffer, _, done) {
      size += chunk.length;
      crc = crc32(chunk, crc);
      for (const hash of Object.values(hashes)) hash.update(chunk);
      done(null, chunk);
    },
  });
  return {
    stream,
    results() {
      const ofCrc = Buffer.alloc(4);
      ofCrc.writeUInt32BE(crc);
      return {
        size,
        md5: hashes.md5.digest('hex'),
        all: {
          crc32: ofCrc.toString('base64'),
          sha1: hashes.sha1.digest('base64'),
          sha256: hashes.sha256.digest('base64'),
        },
      };
    },
  };
}
