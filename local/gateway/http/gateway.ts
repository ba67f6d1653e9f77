import type { IncomingMessage, ServerResponse } from 'node:http';
import { askAuthorizer } from '../authorizer.ts';
import { callFunction, describeError, describeFailure } from '../integration.ts';
import { readBody } from '../request-body.ts';
import type { Cors, HttpGatewayApi } from './api.ts';
import {
  authorizerEvent,
  type HttpRequest,
  methodArnOf,
  readHttpRequest,
  requestEvent,
  routeOf,
} from './request.ts';
import { type HttpResponse, ownAnswer, readAnswer } from './response.ts';

/** Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html */
const HTTP_LIMITS = {
  bodyBytes: 10 * 1024 * 1024,
  /** The request line and all values of headers. */
  headBytes: 10_240,
  authorizerMs: 10_000,
  integrationMs: 30_000,
  /** What Lambda takes as an event, of which API Gateway's is one. Source: "Lambda quotas", AWS Lambda developer guide. */
  eventBytes: 6 * 1024 * 1024,
} as const;

export interface HttpGateway {
  /** Answers requests below its routes' first parts. Returns whether the request was one of its own. */
  handle(request: IncomingMessage, response: ServerResponse): boolean;
}

/** An API Gateway HTTP API on an HTTP server: routes, authorizer, CORS and quotas as AWS documents them. */
export function createHttpGateway(api: HttpGatewayApi, log: (line: string) => void = () => {}): HttpGateway {
  const roots = new Set(api.routes.map(({ parts }) => parts[0]));

  async function answer(request: HttpRequest, incoming: IncomingMessage): Promise<HttpResponse> {
    if (headBytes(incoming) > HTTP_LIMITS.headBytes) return ownAnswer(431, 'Request Header Fields Too Large');
    const found = routeOf(api, request);
    if (!found) return ownAnswer(404, 'Not Found');
    // Before the authorizer: a throttled request invokes nothing.
    if (api.accepts?.() === false) return ownAnswer(429, 'Too Many Requests');
    const { route, parameters } = found;
    const source = `${api.stage}/${request.method}${request.rawPath}`;
    let authorizer: object | undefined;
    if (route.authorizer) {
      const event = authorizerEvent(api, request, route, parameters);
      const resource = methodArnOf(api, request);
      const verdict = await askAuthorizer(route.authorizer, event, resource, HTTP_LIMITS.authorizerMs, log);
      if (verdict.kind === 'unauthorized') return ownAnswer(401, 'Unauthorized');
      if (verdict.kind === 'denied') return ownAnswer(403, 'Forbidden');
      if (verdict.kind === 'broken') {
        log(`authorizer of ${route.key} ${verdict.detail}`);
        return ownAnswer(500, 'Internal Server Error');
      }
      const { principalId: _, integrationLatency: __, ...context } = verdict.context;
      authorizer = context;
    }
    const body = await readBody(incoming, HTTP_LIMITS.bodyBytes);
    if (body.kind === 'too-large') return ownAnswer(413, 'Request Entity Too Large');
    if (body.kind === 'incomplete') return ownAnswer(408, 'Request Timeout');
    const event = requestEvent(api, request, route, parameters, { body: body.bytes, authorizer });
    if (Buffer.byteLength(JSON.stringify(event)) > HTTP_LIMITS.eventBytes) {
      return ownAnswer(413, 'Request Entity Too Large');
    }
    const target = { invoke: route.invoke(source), timeoutMs: route.timeoutMs };
    const late = (error: unknown) => log(`${route.key} failed after its time limit: ${describeError(error)}`);
    const outcome = await callFunction(target, event, late, HTTP_LIMITS.integrationMs);
    if (outcome.kind !== 'returned') {
      log(`${route.key} ${describeFailure(outcome)}`);
      return outcome.kind === 'timed-out'
        ? ownAnswer(503, 'Service Unavailable')
        : ownAnswer(500, 'Internal Server Error');
    }
    const read = readAnswer(outcome.value);
    if (!read) log(`${route.key} returned what is no response`);
    return read ?? ownAnswer(500, 'Internal Server Error');
  }

  return {
    handle(incoming, response) {
      const request = readHttpRequest(incoming);
      if (!roots.has(request.rawPath.split('/')[1] ?? '')) return false;
      const { cors } = api;
      const answered =
        cors && request.method === 'OPTIONS'
          ? Promise.resolve<HttpResponse>({ status: 204, headers: [], body: Buffer.alloc(0) })
          : answer(request, incoming);
      answered.then(
        ({ status, headers, body }) => {
          incoming.resume();
          response.statusCode = status;
          for (const [name, value] of headers) {
            // Those of the API's own configuration replace them.
            if (!(cors && name.startsWith('access-control-'))) response.appendHeader(name, value);
          }
          for (const [name, value] of cors ? corsHeaders(cors, incoming) : [])
            response.setHeader(name, value);
          response.setHeader('apigw-requestid', request.requestId);
          response.end(body);
        },
        (error: unknown) => response.destroy(error as Error),
      );
      return true;
    },
  };
}

/** Node makes one character of each byte of a head. */
const headBytes = ({ method, url, httpVersion, rawHeaders }: IncomingMessage): number =>
  `${method} ${url} HTTP/${httpVersion}`.length +
  rawHeaders.reduce((sum, text, i) => sum + (i % 2 === 1 ? text.length : 0), 0);

/** Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-cors.html */
function* corsHeaders(cors: Cors, { method, headers }: IncomingMessage): Generator<[string, string]> {
  const { origin } = headers;
  const isAny = cors.origins.includes('*');
  if (origin === undefined || !(isAny || cors.origins.includes(origin))) return;
  yield ['access-control-allow-origin', isAny ? '*' : origin];
  if (!isAny) yield ['vary', 'origin'];
  if (method !== 'OPTIONS') {
    if (cors.exposed.length > 0) yield ['access-control-expose-headers', cors.exposed.join(',')];
    return;
  }
  yield ['access-control-allow-methods', cors.methods.join(',')];
  yield ['access-control-allow-headers', cors.headers.join(',')];
  if (cors.maxAgeSeconds !== undefined) yield ['access-control-max-age', String(cors.maxAgeSeconds)];
}
