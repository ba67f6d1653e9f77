import type { IncomingMessage } from 'node:http';
import { readProperties } from '../template/properties.ts';
import { isMap } from '../template/resolve.ts';
import type { StackResource } from '../template/stack.ts';
import { S3Error } from './error.ts';

/** One rule of a bucket's `CorsConfiguration`. */
export interface CorsRule {
  methods: readonly string[];
  origins: readonly string[];
  /** Lower case, with at most one `*` each. */
  headers: readonly string[];
  exposed: readonly string[];
  maxAge?: number;
}

export function corsRulesOf({ logicalId, properties }: StackResource): CorsRule[] {
  const texts = (values: readonly unknown[]) => values.map(String);
  return properties
    .nested('CorsConfiguration')
    .list('CorsRules')
    .filter(isMap)
    .map((rule) => {
      const read = readProperties(`${logicalId}.CorsConfiguration`, rule);
      const maxAge = read.number('MaxAge');
      return {
        methods: texts(read.list('AllowedMethods')),
        origins: texts(read.list('AllowedOrigins')),
        headers: texts(read.list('AllowedHeaders')).map((name) => name.toLowerCase()),
        exposed: texts(read.list('ExposedHeaders')),
        ...(maxAge !== undefined && { maxAge }),
      };
    });
}

/** Methods that a browser sends to another origin only after it has asked. */
const ASKED_FOR = ['PUT', 'DELETE'];

/**
 * What a browser is told of a request of a page. Source: "How does Amazon S3 evaluate the CORS configuration on a bucket?", Amazon S3 user
 * guide.
 *
 * On AWS the page and the bucket have different origins. Here they share one, and a browser asks for nothing. So a request that it would
 * have asked for is judged as if it had. An origin that the local cloud admits stands for each that a rule names: a rule for
 * `https://chat.example.com` cannot name this machine.
 * @returns headers of the answer
 * @throws {S3Error} for a request that no rule allows
 */
export function judgeOrigin(
  { method = '', headers }: IncomingMessage,
  rules: readonly CorsRule[],
): Record<string, string> {
  const { origin } = headers;
  if (origin === undefined) return {};
  const asks = method === 'OPTIONS';
  const wanted = asks ? headers['access-control-request-method'] : method;
  const named = asks ? (headers['access-control-request-headers'] ?? '').split(',') : [];
  const names = named.map((name) => name.trim().toLowerCase()).filter((name) => name !== '');
  const rule = rules.find(
    (one) =>
      one.origins.length > 0 &&
      one.methods.includes(wanted ?? '') &&
      names.every((name) => one.headers.some((allowed) => fits(name, allowed))),
  );
  if (!rule) {
    if (!asks && !ASKED_FOR.includes(method)) return {};
    throw new S3Error(
      403,
      'AccessForbidden',
      rules.length === 0
        ? 'CORSResponse: CORS is not enabled for this bucket.'
        : "CORSResponse: This CORS request is not allowed. This is usually because the evaluation of Origin, request method / Access-Control-Request-Method or Access-Control-Request-Headers are not whitelisted by the resource's CORS spec.",
    );
  }
  return {
    'access-control-allow-origin': rule.origins.includes('*') ? '*' : origin,
    'access-control-allow-methods': rule.methods.join(', '),
    ...(names.length > 0 && { 'access-control-allow-headers': names.join(', ') }),
    ...(rule.exposed.length > 0 && { 'access-control-expose-headers': rule.exposed.join(', ') }),
    ...(asks && rule.maxAge !== undefined && { 'access-control-max-age': String(rule.maxAge) }),
    vary: 'Origin, Access-Control-Request-Headers, Access-Control-Request-Method',
  };
}

function fits(name: string, allowed: string): boolean {
  const [start = '', end] = allowed.split('*');
  return end === undefined
    ? name === allowed
    : name.length >= start.length + end.length && name.startsWith(start) && name.endsWith(end);
}
