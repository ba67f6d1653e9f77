import { createServer, request as sendRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Invoke } from '../types.ts';
import type { HttpGatewayApi, HttpRouteTarget } from './api.ts';
import { createHttpGateway } from './gateway.ts';

const MB = 1024 * 1024;

interface Given {
  invoke?: Invoke;
  authorizer?: Invoke;
  timeoutMs?: number;
  api?: Partial<HttpGatewayApi>;
}

/** An API of two routes on its own port, whose function answers with its event unless it is told otherwise. */
async function given({ invoke, authorizer, timeoutMs = 30_000, api }: Given = {}) {
  const events: Record<string, unknown>[] = [];
  const route = (key: string): HttpRouteTarget => {
    const [method = '', path = ''] = key.split(' ');
    return {
      key,
      method,
      parts: path.split('/').slice(1),
      timeoutMs,
      invoke: () => async (event) => {
        events.push(event as Record<string, unknown>);
        return invoke ? invoke(event) : { statusCode: 200, body: 'ok' };
      },
      ...(authorizer && { authorizer }),
    };
  };
  const gateway = createHttpGateway({
    apiId: 'api',
    stage: '$default',
    region: 'eu-central-1',
    accountId: '123456789012',
    routes: [route('POST /api/things/{id}'), route('GET /api/things/{id}')],
    ...api,
  });
  const server = createServer((request, response) => {
    if (!gateway.handle(request, response)) response.writeHead(418).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { events, origin, ask: (path: string, init?: RequestInit) => fetch(`${origin}${path}`, init) };
}

const told = async (response: Response) => [response.status, await response.json()];

describe('an HTTP API', () => {
  it('gives its function an event in the format 2.0', async () => {
    const { ask, events } = await given();
    await ask('/api/things/a%20b?x=1&x=2&y=%C3%A9', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', 'X-Two': 'a, b', Cookie: 'a=1; b=2' },
      body: '{"é":1}',
    });
    expect(events).toEqual([
      {
        version: '2.0',
        routeKey: 'POST /api/things/{id}',
        rawPath: '/api/things/a%20b',
        rawQueryString: 'x=1&x=2&y=%C3%A9',
        cookies: ['a=1', 'b=2'],
        headers: expect.objectContaining({ 'content-type': 'application/json', 'x-two': 'a, b' }),
        queryStringParameters: { x: '1,2', y: 'é' },
        pathParameters: { id: 'a b' },
        requestContext: expect.objectContaining({
          apiId: 'api',
          http: expect.objectContaining({ method: 'POST', path: '/api/things/a%20b', sourceIp: '127.0.0.1' }),
          stage: '$default',
        }),
        body: '{"é":1}',
        isBase64Encoded: false,
      },
    ]);
    expect(events[0]?.headers).not.toHaveProperty('cookie');
  });

  it('gives it in base64 what does not say that it is text', async () => {
    const { ask, events } = await given();
    await ask('/api/things/a', { method: 'POST', body: new URLSearchParams({ a: '1' }) });
    expect(events[0]).toMatchObject({ body: Buffer.from('a=1').toString('base64'), isBase64Encoded: true });
  });

  it.each<[string, unknown, number, string]>([
    ['a text', 'plain', 200, 'plain'],
    ['an object without a status', { a: 1 }, 200, '{"a":1}'],
    ['a status', { statusCode: 201 }, 201, ''],
    ['a body in base64', { statusCode: 200, body: 'YQ==', isBase64Encoded: true }, 200, 'a'],
    ['nothing', undefined, 500, '{"message":"Internal Server Error"}'],
    ['a status that is none', { statusCode: 'x' }, 500, '{"message":"Internal Server Error"}'],
    ['more than 6 MB', 'x'.repeat(6 * MB), 500, '{"message":"Internal Server Error"}'],
  ])('of a function that returns %s makes an answer', async (_, value, status, body) => {
    const { ask } = await given({ invoke: async () => value });
    const response = await ask('/api/things/a');
    expect([response.status, await response.text()]).toEqual([status, body]);
  });

  it('sends cookies one by one, and none of the headers that are its own', async () => {
    const headers = { 'X-Mine': 'a', Connection: 'close', Server: 'mine' };
    const { ask } = await given({
      invoke: async () => ({ statusCode: 200, headers, cookies: ['a=1', 'b=2'] }),
    });
    const response = await ask('/api/things/a');
    expect(response.headers.getSetCookie()).toEqual(['a=1', 'b=2']);
    expect(response.headers.get('x-mine')).toBe('a');
    expect(response.headers.get('server')).toBeNull();
    expect(response.headers.get('apigw-requestid')).toMatch(/=$/);
  });

  it.each([
    ['GET', '/api/things'],
    ['GET', '/api/things/'],
    ['GET', '/api/things/a/b'],
    ['DELETE', '/api/things/a'],
    ['OPTIONS', '/api/things/a'],
  ])('has no other routes: %s %s is not found', async (method, path) => {
    const { ask, events } = await given();
    expect(await told(await ask(path, { method }))).toEqual([404, { message: 'Not Found' }]);
    expect(events).toEqual([]);
    expect((await ask('/elsewhere')).status).toBe(418);
  });

  it('takes bodies of at most 10 MB, and gives functions no event of more than 6 MB', async () => {
    const { ask, events } = await given();
    const headers = { 'content-type': 'text/plain' };
    const post = (bytes: number) =>
      ask('/api/things/a', { method: 'POST', headers, body: 'x'.repeat(bytes) }).then(told);
    const tooLarge = [413, { message: 'Request Entity Too Large' }];
    expect(await post(10 * MB + 1)).toEqual(tooLarge);
    expect(await post(6 * MB)).toEqual(tooLarge);
    const euros = '€'.repeat(2.5 * MB);
    expect(await ask('/api/things/a', { method: 'POST', headers, body: euros }).then(told)).toEqual(tooLarge);
    expect(events).toEqual([]);
  });

  it('takes 10,240 bytes of request line and values of headers', async () => {
    const { origin } = await given();
    const statusWith = (length: number) =>
      new Promise((resolve, reject) => {
        const headers = { host: 'h', connection: 'close', 'x-long': 'x'.repeat(length) };
        sendRequest(`${origin}/api/things/a`, { headers }, (response) => {
          response.resume();
          resolve(response.statusCode);
        })
          .on('error', reject)
          .end();
      });
    const others = 'GET /api/things/a HTTP/1.1'.length + 'h'.length + 'close'.length;
    expect(await statusWith(10_240 - others)).toBe(200);
    expect(await statusWith(10_241 - others)).toBe(431);
  });

  it('answers for functions that fail or take too long', async () => {
    const failing = await given({ invoke: async () => Promise.reject(new Error('broken')) });
    expect(await told(await failing.ask('/api/things/a'))).toEqual([
      500,
      { message: 'Internal Server Error' },
    ]);
    const slow = await given({ invoke: () => new Promise(() => {}), timeoutMs: 1 });
    expect(await told(await slow.ask('/api/things/a'))).toEqual([503, { message: 'Service Unavailable' }]);
  });

  it('invokes nothing for a request over its throttle', async () => {
    const { ask, events } = await given({ api: { accepts: () => false } });
    expect(await told(await ask('/api/things/a'))).toEqual([429, { message: 'Too Many Requests' }]);
    expect(events).toEqual([]);
  });
});

describe('an authorizer of an HTTP API', () => {
  const policy = (Effect: string, Resource: string) => ({
    principalId: 'p',
    policyDocument: {
      Version: '2012-10-17',
      Statement: [{ Action: 'execute-api:Invoke', Effect, Resource }],
    },
    context: { tenant: 't' },
  });

  it('is asked in the format 1.0, and what it says of the caller is in the function’s event', async () => {
    const asked: Record<string, unknown>[] = [];
    const { ask, events } = await given({
      authorizer: async (event) => {
        asked.push(event as Record<string, unknown>);
        return policy('Allow', (event as { methodArn: string }).methodArn);
      },
    });
    await ask('/api/things/a?token=x', { headers: { Authorization: 'Bearer y' } });
    expect(asked).toEqual([
      expect.objectContaining({
        version: '1.0',
        type: 'REQUEST',
        methodArn: 'arn:aws:execute-api:eu-central-1:123456789012:api/$default/GET/api/things/a',
        headers: expect.objectContaining({ authorization: 'Bearer y' }),
        queryStringParameters: { token: 'x' },
        requestContext: expect.objectContaining({
          identity: expect.objectContaining({ sourceIp: '127.0.0.1' }),
        }),
      }),
    ]);
    expect(events[0]?.requestContext).toMatchObject({ authorizer: { lambda: { tenant: 't' } } });
  });

  it.each<[string, Invoke, number, string]>([
    ['says Unauthorized', async () => Promise.reject(new Error('Unauthorized')), 401, 'Unauthorized'],
    ['denies', async () => policy('Deny', '*'), 403, 'Forbidden'],
    [
      'allows another route',
      async () => policy('Allow', 'arn:aws:execute-api:*:*:other/*'),
      403,
      'Forbidden',
    ],
    ['fails', async () => Promise.reject(new Error('broken')), 500, 'Internal Server Error'],
    ['says nothing', async () => undefined, 500, 'Internal Server Error'],
  ])('that %s stops the request', async (_, authorizer, status, message) => {
    const { ask, events } = await given({ authorizer });
    expect(await told(await ask('/api/things/a'))).toEqual([status, { message }]);
    expect(events).toEqual([]);
  });
});

describe('CORS of an HTTP API', () => {
  const cors = {
    origins: ['https://a.example'],
    methods: ['GET'],
    headers: ['x-a'],
    exposed: ['x-b'],
    maxAgeSeconds: 60,
  };

  it('answers a preflight without the function, with headers for an origin of the list alone', async () => {
    const { ask, events } = await given({ api: { cors } });
    const preflight = (Origin: string) => ask('/api/things/a', { method: 'OPTIONS', headers: { Origin } });
    const allowed = await preflight('https://a.example');
    expect([allowed.status, allowed.headers.get('access-control-allow-origin')]).toEqual([
      204,
      'https://a.example',
    ]);
    expect(allowed.headers.get('access-control-max-age')).toBe('60');
    const other = await preflight('https://b.example');
    expect([other.status, other.headers.get('access-control-allow-origin')]).toEqual([204, null]);
    expect(events).toEqual([]);
  });

  it('replaces what the function says of it', async () => {
    const headers = { 'access-control-allow-origin': '*', 'access-control-allow-credentials': 'true' };
    const { ask } = await given({ api: { cors }, invoke: async () => ({ statusCode: 200, headers }) });
    const { headers: sent } = await ask('/api/things/a', { headers: { Origin: 'https://a.example' } });
    expect(sent.get('access-control-allow-origin')).toBe('https://a.example');
    expect(sent.get('access-control-allow-credentials')).toBeNull();
    expect(sent.get('access-control-expose-headers')).toBe('x-b');
  });
});
