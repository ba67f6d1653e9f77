import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

/** A request's signature (AWS Signature Version 4), as its `Authorization` header has it. */
export interface Signature {
  accessKeyId: string;
  /** `20260131` */
  date: string;
  region: string;
  /** The service's name in the credential's scope: `dynamodb`, `execute-api`. */
  service: string;
  /** Names in lower case, sorted. */
  signedHeaders: readonly string[];
  /** In hex. */
  signature: string;
}

type SignedParts = Pick<IncomingMessage, 'headers' | 'method' | 'url'>;

const ALGORITHM = 'AWS4-HMAC-SHA256';
const AUTHORIZATION =
  /^AWS4-HMAC-SHA256 Credential=([^/,\s]+)\/(\d{8})\/([^/,\s]+)\/([^/,\s]+)\/aws4_request, *SignedHeaders=([^,\s]+), *Signature=([^,\s]+)$/;

/** Undefined for a request that is not signed. */
export function readSignature({ headers }: Pick<IncomingMessage, 'headers'>): Signature | undefined {
  const [, accessKeyId, date, region, service, names, signature] =
    AUTHORIZATION.exec(headers.authorization ?? '') ?? [];
  if (!accessKeyId || !date || !region || !service || !names || !signature) return undefined;
  return { accessKeyId, date, region, service, signedHeaders: names.split(';'), signature };
}

/** Whether the holder of the secret has signed this request with this body. */
export function isSignedBy(
  secretAccessKey: string,
  request: SignedParts,
  body: Buffer,
  signature: Signature,
): boolean {
  return isEqual(sign(secretAccessKey, request, body, signature), signature.signature);
}

/**
 * The signature of a request, in hex.
 * @param request with the header `x-amz-date` and all signed headers
 */
export function sign(
  secretAccessKey: string,
  { headers, method = 'GET', url = '/' }: SignedParts,
  body: Buffer,
  signature: Omit<Signature, 'signature' | 'accessKeyId'>,
): string {
  const [path = '/', query = ''] = url.split('?');
  return signatureOf(
    secretAccessKey,
    {
      method,
      // The path of a request is encoded already. Services other than S3 encode it once more.
      path: encode(path).replaceAll('%2F', '/'),
      query: new URLSearchParams(query),
      headers,
      timestamp: String(headers['x-amz-date'] ?? ''),
      payload: sha256(body),
    },
    signature,
  );
}

/** What of a request is signed. */
export interface Signable {
  method: string;
  /** Encoded as its service signs it. */
  path: string;
  query: Iterable<[string, string]>;
  headers: IncomingMessage['headers'];
  /** `20260131T120000Z` */
  timestamp: string;
  /** The body's SHA-256 in hex, or the word that stands for it. */
  payload: string;
}

/** Source: "Create a signed AWS API request", IAM user guide. @returns the signature in hex */
export function signatureOf(
  secretAccessKey: string,
  { method, path, query, headers, timestamp, payload }: Signable,
  { date, region, service, signedHeaders }: Omit<Signature, 'signature' | 'accessKeyId'>,
): string {
  const canonical = [
    method,
    path,
    canonicalQuery(query),
    ...signedHeaders.map(
      (name) =>
        `${name}:${String(headers[name] ?? '')
          .trim()
          .replace(/ +/g, ' ')}`,
    ),
    '',
    signedHeaders.join(';'),
    payload,
  ].join('\n');
  const scope = `${date}/${region}/${service}/aws4_request`;
  const text = [ALGORITHM, timestamp, scope, sha256(canonical)].join('\n');
  const key = [date, region, service, 'aws4_request'].reduce<string | Buffer>(hmac, `AWS4${secretAccessKey}`);
  return hmac(key, text).toString('hex');
}

/** Compares in a time that does not depend on where two signatures differ. */
export function isEqual(expected: string, given: string): boolean {
  const [one, other] = [Buffer.from(expected), Buffer.from(given)];
  return one.length === other.length && timingSafeEqual(one, other);
}

function canonicalQuery(query: Iterable<[string, string]>): string {
  const pairs = [...query].map(([name, value]) => `${encode(name)}=${encode(value)}`);
  return pairs.toSorted().join('&');
}

/** Encodes everything but the unreserved characters of RFC 3986. */
export const encode = (text: string): string =>
  encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );

const sha256 = (data: string | Buffer) => createHash('sha256').update(data).digest('hex');
const hmac = (key: string | Buffer, data: string) => createHmac('sha256', key).update(data).digest();
