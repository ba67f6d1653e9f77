import type { IncomingMessage } from 'node:http';
import { S3Error } from './error.ts';
import type { S3Object } from './objects.ts';

type Headers = IncomingMessage['headers'];

const failed = (condition: string) =>
  new S3Error(412, 'PreconditionFailed', 'At least one of the pre-conditions you specified did not hold', {
    Condition: condition,
  });

/**
 * Whether an object may be written. Source: "How to prevent object overwrites with conditional writes", Amazon S3 user guide.
 * @throws {S3Error}
 */
export function checkWrite(headers: Headers, present: S3Object | undefined): void {
  const none = headers['if-none-match'];
  if (none !== undefined && none !== '*') {
    throw new S3Error(
      501,
      'NotImplemented',
      'A header you provided implies functionality that is not implemented',
    );
  }
  if (none === '*' && present) throw failed('If-None-Match');
  const match = headers['if-match'];
  if (match === undefined) return;
  if (!present) throw noSuchKey('');
  if (!names(match, present)) throw failed('If-Match');
}

/** Whether an object is sent: `304` if its reader has it. Source: RFC 9110, 13.2.2. @throws {S3Error} */
export function checkRead(headers: Headers, object: S3Object): 200 | 304 {
  const modified = Math.floor(object.modified / 1000) * 1000;
  const match = headers['if-match'];
  if (match !== undefined && !names(match, object)) throw failed('If-Match');
  const unmodifiedSince = timeIn(headers['if-unmodified-since']);
  if (match === undefined && unmodifiedSince !== undefined && modified > unmodifiedSince)
    throw failed('If-Unmodified-Since');
  const none = headers['if-none-match'];
  if (none !== undefined) return names(none, object) ? 304 : 200;
  const modifiedSince = timeIn(headers['if-modified-since']);
  return modifiedSince !== undefined && modified <= modifiedSince ? 304 : 200;
}

const names = (header: string, { etag }: S3Object) =>
  header.split(',').some((one) => ['*', etag, `"${etag}"`].includes(one.trim()));

function timeIn(header: string | undefined): number | undefined {
  const time = Date.parse(header ?? '');
  return Number.isNaN(time) ? undefined : time;
}

export const noSuchKey = (key: string): S3Error =>
  new S3Error(404, 'NoSuchKey', 'The specified key does not exist.', key === '' ? {} : { Key: key });

/**
 * The bytes that a header `Range` asks for, first and last. Undefined for all of them: S3 ignores a header that it cannot read, and one
 * that names several ranges.
 * @throws {S3Error} for a range outside
 */
export function rangeOf(
  header: string | undefined,
  size: number,
): { start: number; end: number } | undefined {
  const [, from = '', to = ''] = /^bytes=(\d*)-(\d*)$/.exec(header ?? '') ?? [];
  if (from === '' && to === '') return undefined;
  const [start, end] =
    from === ''
      ? [Math.max(0, size - Number(to)), size - 1]
      : [Number(from), to === '' ? size - 1 : Math.min(Number(to), size - 1)];
  if (from !== '' && to !== '' && Number(to) < Number(from)) return undefined;
  if (start < size && !(from === '' && Number(to) === 0)) return { start, end };
  throw new S3Error(416, 'InvalidRange', 'The requested range is not satisfiable', {
    RangeRequested: header ?? '',
    ActualObjectSize: String(size),
  });
}
