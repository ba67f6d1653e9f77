import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import type { S3Object } from './objects.ts';

/** System metadata that an upload sets. Source: "Working with object metadata", Amazon S3 user guide. */
const KEPT = ['cache-control', 'content-disposition', 'content-language', 'content-type', 'expires'];

/** What is kept of an upload's headers, and of the metadata that a presigned address carries. */
export function keptHeaders(
  headers: IncomingMessage['headers'],
  query: URLSearchParams,
): Record<string, string> {
  const inAddress = [...query].filter(([name]) => isMetadata(name.toLowerCase()));
  const said = [...inAddress, ...Object.entries(headers)].map(
    ([name, value]) => [name.toLowerCase(), value] as const,
  );
  const kept: Record<string, string> = { 'content-type': 'binary/octet-stream' };
  for (const [name, value] of said)
    if (typeof value === 'string' && (KEPT.includes(name) || isMetadata(name))) kept[name] = value;
  const encodings = (headers['content-encoding'] ?? '').split(',').map((encoding) => encoding.trim());
  const encoding = encodings.filter((one) => one !== '' && one !== 'aws-chunked').join(',');
  return encoding === '' ? kept : { ...kept, 'content-encoding': encoding };
}

const isMetadata = (name: string) => name.startsWith('x-amz-meta-');

/** Headers of an object's answer. @param query may set some of them: `response-content-disposition` */
export function sentHeaders(
  { size, etag, modified, headers }: S3Object,
  query: URLSearchParams,
  range: { start: number; end: number } | undefined,
  withChecksum: boolean,
): OutgoingHttpHeaders {
  const own = Object.entries(headers).filter(
    ([name]) => !name.startsWith('x-amz-checksum-') || (withChecksum && !range),
  );
  const asked = [...query].filter(([name]) => name.startsWith('response-'));
  return {
    ...Object.fromEntries(own),
    ...Object.fromEntries(asked.map(([name, value]) => [name.slice('response-'.length), value])),
    'accept-ranges': 'bytes',
    etag: `"${etag}"`,
    'last-modified': new Date(modified).toUTCString(),
    'content-length': range ? range.end - range.start + 1 : size,
    ...(range && { 'content-range': `bytes ${range.start}-${range.end}/${size}` }),
  };
}
