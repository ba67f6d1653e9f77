import { isJsonObject } from '../json-object.ts';

/** What a client is sent. */
export interface HttpResponse {
  status: number;
  headers: readonly (readonly [name: string, value: string])[];
  body: Buffer;
}

/** What Lambda gives back at most. Source: "Lambda quotas", AWS Lambda developer guide. */
const MAX_ANSWER_BYTES = 6 * 1024 * 1024;

/** API Gateway sets these itself. */
const OWN_HEADERS = new Set([
  'connection',
  'content-length',
  'date',
  'keep-alive',
  'server',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/**
 * Reads what a function returned, in the payload format 2.0: without `statusCode`, it is the body itself.
 *
 * @returns undefined for what API Gateway answers with 500
 */
export function readAnswer(value: unknown): HttpResponse | undefined {
  const size = Buffer.byteLength(JSON.stringify(value) ?? '');
  if (size > MAX_ANSWER_BYTES) return undefined;
  if (!isJsonObject(value) || value.statusCode === undefined) {
    const text = typeof value === 'string' ? value : JSON.stringify(value);
    if (text === undefined) return undefined;
    return { status: 200, headers: [['content-type', 'application/json']], body: Buffer.from(text) };
  }
  const { statusCode, headers = {}, cookies = [], body = '', isBase64Encoded = false } = value;
  const status = Number(statusCode);
  if (!Number.isInteger(status) || status < 200 || status > 599) return undefined;
  if (!isJsonObject(headers) || !Array.isArray(cookies) || typeof body !== 'string') return undefined;
  const given = Object.entries(headers).map(([name, field]) => [name.toLowerCase(), String(field)] as const);
  const named = new Set(given.map(([name]) => name));
  return {
    status,
    headers: [
      ...given.filter(([name]) => !OWN_HEADERS.has(name)),
      ...cookies.map((cookie) => ['set-cookie', String(cookie)] as const),
      // What a function does not name is text.
      ...(named.has('content-type') ? [] : [['content-type', 'text/plain; charset=utf-8'] as const]),
    ],
    body: Buffer.from(body, isBase64Encoded === true ? 'base64' : 'utf8'),
  };
}

/** What API Gateway answers by itself. */
export const ownAnswer = (status: number, message: string): HttpResponse => ({
  status,
  headers: [['content-type', 'application/json']],
  body: Buffer.from(JSON.stringify({ message })),
});
