import { request as sendRequest } from 'node:http';
import { setImmediate as tick } from 'node:timers/promises';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { around, textOfBytes } from '../../../test/support/text.ts';
import type { Invoke } from '../types.ts';
import { given, told } from './test-gateway.ts';

const MB = 1024 * 1024;

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

  it.each([
    ['text/plain', 'é', false],
    ['TEXT/csv', 'é', false],
    ['application/json; charset=utf-8', 'é', false],
    ['application/x-www-form-urlencoded', 'w6k=', true],
    ['application/jsonp', 'w6k=', true],
    ['image/svg+xml', 'w6k=', true],
  ])('gives it text as it is, and all else in base64: %s', async (type, body, isBase64Encoded) => {
    const { ask, events } = await given();
    await ask('/api/things/a', { method: 'POST', headers: { 'content-type': type }, body: 'é' });
    expect(events[0]).toMatchObject({ body, isBase64Encoded });
  });

  it('leaves out of an event what a request does not have', async () => {
    const { ask, events, sources } = await given();
    const response = await ask('/api/things');
    expect(Object.keys(events[0] ?? {}).toSorted()).toEqual(
      'headers isBase64Encoded rawPath rawQueryString requestContext routeKey version'.split(' '),
    );
    expect(events[0]?.isBase64Encoded).toBe(false);
    expect(events[0]?.requestContext).toMatchObject({ requestId: response.headers.get('apigw-requestid') });
    expect(sources).toEqual(['$default/GET/api/things']);
  });

  it('gives it headers of one name as one, and cookies one by one, however they are written', async () => {
    const { origin, events } = await given();
    const headers = ['host', 'h', 'connection', 'close', 'X-Two', 'a', 'x-two', 'b', 'Cookie', 'a=1;b=2'];
    await new Promise((resolve) => sendRequest(`${origin}/api/things/a`, { headers }, resolve).end());
    expect(events[0]).toMatchObject({ headers: { 'x-two': 'a,b' }, cookies: ['a=1', 'b=2'] });
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
    const { ask, logs } = await given({ invoke: async () => value });
    const response = await ask('/api/things/a');
    expect([response.status, await response.text()]).toEqual([status, body]);
    expect(logs).toHaveLength(status === 500 ? 1 : 0);
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
    ['GET', '/api/thing'],
    ['GET', '/api/things/'],
    ['GET', '/api/things/%ff'],
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
    expect(events).toEqual([]);
  });

  it('gives functions events of at most 6 MB, by their bytes', async () => {
    const { ask, events } = await given();
    const statusWith = async (bytes: number) => {
      const init = { method: 'POST', headers: { 'content-type': 'text/plain' } };
      return (await ask('/api/things/a', { ...init, body: textOfBytes(bytes) })).status;
    };
    const least = 6 * MB - 4000;
    expect(await statusWith(least)).toBe(200);
    const others = Buffer.byteLength(JSON.stringify(events[0])) - least;
    const [, most, more] = around(6 * MB - others);
    expect([await statusWith(most), await statusWith(more)]).toEqual([200, 413]);
  });

  it('answers 408 to whoever sends no more of a body for 5 s', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    const { origin, ask, events } = await given();
    const headers = { 'content-length': 10 };
    const request = sendRequest(`${origin}/api/things/a`, { method: 'POST', headers });
    const status = new Promise((resolve) => request.on('response', (got) => resolve(got.statusCode)));
    request.on('error', () => {}).write('x');
    while (vi.getTimerCount() === 0) await tick();
    // Each byte gives it five seconds more. What has come before is read when another request is answered.
    await ask('/elsewhere');
    await vi.advanceTimersByTimeAsync(4999);
    // What the server has answered before is there when it answers another request.
    await ask('/elsewhere');
    expect(await Promise.race([status, 'waits'])).toBe('waits');
    await vi.advanceTimersByTimeAsync(1);
    expect(await status).toBe(408);
    request.destroy();
    expect(events).toEqual([]);
  });

  it('takes 10,240 bytes of request line and values of headers', async () => {
    const { origin } = await given();
    const statusWith = (length: number, letter = 'x') =>
      new Promise((resolve, reject) => {
        const headers = { host: 'h', connection: 'close', 'x-long': letter.repeat(length) };
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
    // On the wire, this letter is one byte.
    expect(await statusWith(10_240 - others, 'é')).toBe(200);
    expect(await statusWith(10_241 - others, 'é')).toBe(431);
  });

  it('answers for functions that fail or take too long', async () => {
    const failing = await given({ invoke: async () => Promise.reject(new Error('broken')) });
    expect(await told(await failing.ask('/api/things/a'))).toEqual([
      500,
      { message: 'Internal Server Error' },
    ]);
    expect(failing.logs).toEqual([expect.stringContaining('broken')]);
    const failure = Promise.withResolvers<void>();
    const slow = await given({ invoke: () => failure.promise, timeoutMs: 1 });
    expect(await told(await slow.ask('/api/things/a'))).toEqual([503, { message: 'Service Unavailable' }]);
    failure.reject(new Error('too late'));
    await expect.poll(() => slow.logs.at(-1)).toContain('too late');
  });

  // "Quotas for configuring and running an HTTP API", API Gateway developer guide.
  it.each([
    [30_000, 30_000],
    [31_000, 30_000],
    [100, 100],
  ])('waits for a function that may take %i ms for %i ms, and not for less', async (timeoutMs, limit) => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    const invoked = Promise.withResolvers<void>();
    const invoke = () => {
      invoked.resolve();
      return new Promise(() => {});
    };
    const { ask, logs } = await given({ invoke, timeoutMs });
    const answer = ask('/api/things/a').then(told);
    await invoked.promise;
    await vi.advanceTimersByTimeAsync(limit - 1);
    expect(logs).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(logs).toEqual([expect.stringContaining(`${limit} ms`)]);
    expect(await answer).toEqual([503, { message: 'Service Unavailable' }]);
  });

  it('invokes nothing for a request over its throttle', async () => {
    const asked: unknown[] = [];
    const authorizer = async (event: unknown) => asked.push(event);
    const { ask, events } = await given({ authorizer, api: { accepts: () => false } });
    expect(await told(await ask('/api/things/a'))).toEqual([429, { message: 'Too Many Requests' }]);
    expect([...asked, ...events]).toEqual([]);
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
    expect(events[0]).toHaveProperty('requestContext.authorizer', { lambda: { tenant: 't' } });
  });

  it('that does not answer within 10 s stops the request', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    const asked = Promise.withResolvers<void>();
    const authorizer = () => {
      asked.resolve();
      return new Promise(() => {});
    };
    const { ask, events, logs } = await given({ authorizer });
    const answer = ask('/api/things/a');
    await asked.promise;
    await vi.advanceTimersByTimeAsync(9999);
    expect(logs).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(logs).toHaveLength(1);
    expect(await told(await answer)).toEqual([500, { message: 'Internal Server Error' }]);
    expect(events).toEqual([]);
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
    const { ask, events, logs } = await given({ authorizer });
    expect(await told(await ask('/api/things/a'))).toEqual([status, { message }]);
    expect(events).toEqual([]);
    expect(logs).toHaveLength(status === 500 ? 1 : 0);
  });
});
