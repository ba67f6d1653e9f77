import type { IncomingMessage } from 'node:http';
import type { KeyHolder } from '../aws/caller.ts';
import { isEqual, readSignature, type Signature, signatureOf } from '../aws/signature.ts';
import { S3Error } from './error.ts';
import type { S3Request } from './request.ts';

/** Who has signed a request, and what the signature says of its body. */
export interface Authenticated {
  holder: KeyHolder;
  /** The body's SHA-256 in hex, `UNSIGNED-PAYLOAD`, or how the body is chunked. */
  payload: string;
}

/** Whether a request carries a signature for S3, in a header or in its address. */
export function isSignedForS3(request: IncomingMessage, query: URLSearchParams): boolean {
  const service = readSignature(request)?.service ?? query.get('X-Amz-Credential')?.split('/')[3];
  return service === 's3';
}

/**
 * Checks the signature of a request. Sources: "Authenticating Requests: Using the Authorization Header" and "Using Query Parameters",
 * Amazon S3 API reference.
 * @param now milliseconds since the epoch
 * @throws {S3Error} for a request of nobody who is known, and for one that comes too late
 */
export function authenticate(
  request: IncomingMessage,
  { query, signedPath }: S3Request,
  holderOf: (accessKeyId: string) => KeyHolder | undefined,
  now: number,
): Authenticated {
  const presigned = query.has('X-Amz-Signature');
  const signature = presigned ? readQuery(query, now) : readSignature(request);
  if (!signature) throw new S3Error(403, 'AccessDenied', 'Access Denied');
  const holder = holderOf(signature.accessKeyId);
  if (!holder) {
    throw new S3Error(
      403,
      'InvalidAccessKeyId',
      'The AWS Access Key Id you provided does not exist in our records.',
    );
  }
  const ofBody = presigned ? query.get('X-Amz-Content-Sha256') : request.headers['x-amz-content-sha256'];
  if (typeof ofBody !== 'string' && !presigned) {
    throw new S3Error(
      400,
      'InvalidRequest',
      'Missing required header for this request: x-amz-content-sha256',
    );
  }
  const payload = typeof ofBody === 'string' ? ofBody : 'UNSIGNED-PAYLOAD';
  const timestamp = presigned ? query.get('X-Amz-Date') : request.headers['x-amz-date'];
  const expected = signatureOf(
    holder.secretAccessKey,
    {
      method: request.method ?? '',
      path: signedPath,
      query: [...query].filter(([name]) => name !== 'X-Amz-Signature'),
      headers: request.headers,
      timestamp: String(timestamp ?? ''),
      payload,
    },
    signature,
  );
  if (!isEqual(expected, signature.signature)) {
    throw new S3Error(
      403,
      'SignatureDoesNotMatch',
      'The request signature we calculated does not match the signature you provided. Check your key and signing method.',
    );
  }
  return { holder, payload };
}

const TIME = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/;
/** A week, the longest that an address may be good for. */
const MAX_SECONDS = 604_800;

function readQuery(query: URLSearchParams, now: number): Signature {
  const part = (name: string) => query.get(`X-Amz-${name}`) ?? '';
  const wrong = (why: string) => new S3Error(400, 'AuthorizationQueryParametersError', why);
  const [accessKeyId = '', date = '', region = '', service = ''] = part('Credential').split('/');
  if (part('Algorithm') !== 'AWS4-HMAC-SHA256' || service !== 's3')
    throw wrong('Error parsing the X-Amz-Credential parameter.');
  const iso = part('Date').replace(TIME, '$1-$2-$3T$4:$5:$6Z');
  const seconds = Number(part('Expires'));
  if (Number.isNaN(Date.parse(iso)) || !part('Date').startsWith(date)) throw wrong('X-Amz-Date is wrong.');
  if (!(Number.isInteger(seconds) && seconds > 0 && seconds <= MAX_SECONDS))
    throw wrong('X-Amz-Expires must be between 1 and 604800.');
  if (Date.parse(iso) + seconds * 1000 < now) throw new S3Error(403, 'AccessDenied', 'Request has expired');
  const signedHeaders = part('SignedHeaders').split(';');
  return { accessKeyId, date, region, service, signedHeaders, signature: part('Signature') };
}
