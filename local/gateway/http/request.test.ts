import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { HttpGatewayApi, HttpRouteTarget } from './api.ts';
import { authorizerEvent, readHttpRequest, requestEvent, routeOf } from './request.ts';

const route = (key: string): HttpRouteTarget => {
  const [method = '', path = ''] = key.split(' ');
  return { key, method, parts: path.split('/').slice(1), timeoutMs: 1, invoke: () => async () => {} };
};
const API: HttpGatewayApi = {
  apiId: 'a1',
  stage: '$default',
  region: 'eu-central-1',
  accountId: '123456789012',
  routes: ['GET /api/things', 'GET /api/things/all', 'PUT /api/{kind}/{id}', 'GET /api/things/{id}'].map(
    route,
  ),
};

interface Given {
  method?: string;
  url?: string;
  headers?: readonly string[];
}

/** A request of 192.0.2.7 at a fixed time. */
function given({
  method = 'PUT',
  url = '/api/th%C3%A4ngs/a%20b?x=1&y=%C3%A9&x=2',
  headers = [],
}: Given = {}) {
  vi.useFakeTimers({ toFake: ['Date'], now: 1_000_000 });
  onTestFinished(() => void vi.useRealTimers());
  const socket = new Socket();
  Object.defineProperty(socket, 'remoteAddress', { value: '::ffff:192.0.2.7' });
  const rawHeaders = ['Host', 'a1.example.com', 'User-Agent', 'a test', ...headers];
  const read = new IncomingMessage(socket);
  for (let i = 0; i < rawHeaders.length; i += 2)
    read.headers[rawHeaders[i]?.toLowerCase() ?? ''] = rawHeaders[i + 1];
  return readHttpRequest(Object.assign(read, { method, url, rawHeaders }));
}

const parameters = { kind: 'thängs', id: 'a b' };
const [, , put = route('')] = API.routes;
/** What API Gateway adds. */
const ADDED = {
  host: 'a1.example.com',
  'user-agent': 'a test',
  'x-forwarded-for': '192.0.2.7',
  'x-forwarded-port': '443',
  'x-forwarded-proto': 'https',
};
const ID = expect.stringMatching(/^[\w-]{15}=$/);

describe('an event of an HTTP API', () => {
  it('for its authorizer has the format 1.0, with all of the documented fields', () => {
    const request = given({ headers: ['X-Two', 'a', 'x-two', 'b'] });
    expect(authorizerEvent(API, request, put, parameters)).toEqual({
      version: '1.0',
      type: 'REQUEST',
      methodArn: 'arn:aws:execute-api:eu-central-1:123456789012:a1/$default/PUT/api/th%C3%A4ngs/a%20b',
      identitySource: '',
      authorizationToken: '',
      resource: '/api/{kind}/{id}',
      path: '/api/th%C3%A4ngs/a%20b',
      httpMethod: 'PUT',
      headers: { ...ADDED, 'x-two': 'a,b' },
      queryStringParameters: { x: '1,2', y: 'é' },
      pathParameters: parameters,
      stageVariables: {},
      requestContext: {
        accountId: '123456789012',
        apiId: 'a1',
        domainName: 'a1.example.com',
        extendedRequestId: request.requestId,
        httpMethod: 'PUT',
        identity: { sourceIp: '192.0.2.7', userAgent: 'a test' },
        path: '/api/th%C3%A4ngs/a%20b',
        protocol: 'HTTP/1.1',
        requestId: ID,
        requestTime: '01/Jan/1970:00:16:40 +0000',
        requestTimeEpoch: 1_000_000,
        resourceId: 'PUT /api/{kind}/{id}',
        resourcePath: '/api/{kind}/{id}',
        stage: '$default',
      },
    });
  });

  it('for its function has the format 2.0, with all of the documented fields', () => {
    const request = given({ headers: ['Cookie', 'a=1;  b=2', 'Content-Type', 'application/json'] });
    const more = { body: Buffer.from('"é"'), authorizer: { tenant: 't' } };
    expect(requestEvent(API, request, put, parameters, more)).toEqual({
      version: '2.0',
      routeKey: 'PUT /api/{kind}/{id}',
      rawPath: '/api/th%C3%A4ngs/a%20b',
      rawQueryString: 'x=1&y=%C3%A9&x=2',
      cookies: ['a=1', 'b=2'],
      headers: { ...ADDED, 'content-type': 'application/json' },
      queryStringParameters: { x: '1,2', y: 'é' },
      requestContext: {
        accountId: '123456789012',
        apiId: 'a1',
        authorizer: { lambda: { tenant: 't' } },
        domainName: 'a1.example.com',
        domainPrefix: 'a1',
        http: {
          method: 'PUT',
          path: '/api/th%C3%A4ngs/a%20b',
          protocol: 'HTTP/1.1',
          sourceIp: '192.0.2.7',
          userAgent: 'a test',
        },
        requestId: ID,
        routeKey: 'PUT /api/{kind}/{id}',
        stage: '$default',
        time: '01/Jan/1970:00:16:40 +0000',
        timeEpoch: 1_000_000,
      },
      pathParameters: parameters,
      body: '"é"',
      isBase64Encoded: false,
    });
  });

  it('has a query as it was sent, also with question marks in it', () => {
    const { rawPath, rawQuery, query } = given({ url: '/api?q=a?b&c=%2B+' });
    expect([rawPath, rawQuery, query]).toEqual(['/api', 'q=a?b&c=%2B+', { q: 'a?b', c: '+ ' }]);
  });
});

describe('the route of a request', () => {
  it.each<[string, string, string | undefined, Record<string, string>]>([
    ['GET', '/api/things', 'GET /api/things', {}],
    ['GET', '/api/things/all', 'GET /api/things/all', {}],
    ['GET', '/api/things/al', 'GET /api/things/{id}', { id: 'al' }],
    ['GET', '/api/things/a%2Fb', 'GET /api/things/{id}', { id: 'a/b' }],
    ['PUT', '/api/things/all', 'PUT /api/{kind}/{id}', { kind: 'things', id: 'all' }],
    ['PUT', '/api/things', undefined, {}],
    ['GET', '/api/things/', undefined, {}],
    ['GET', '/api/things/%ff', undefined, {}],
    ['GET', '/api/other/all', undefined, {}],
    ['get', '/api/things', undefined, {}],
  ])('%s %s is %s', (method, url, key, expected) => {
    const found = routeOf(API, given({ method, url }));
    expect([found?.route.key, found?.parameters ?? {}]).toEqual([key, expected]);
  });

  it('has a parameter of any name', () => {
    const api = { ...API, routes: [route('GET /{__proto__}')] };
    const { parameters: found = {} } = routeOf(api, given({ method: 'GET', url: '/x' })) ?? {};
    expect(Object.entries(found)).toEqual([['__proto__', 'x']]);
  });
});
