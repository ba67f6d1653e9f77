import { once } from 'node:events';
import { type IncomingMessage, request as sendRequest } from 'node:http';
import { connect as dial } from 'node:net';
import { text } from 'node:stream/consumers';
import { PostToConnectionCommand } from '@aws-sdk/client-apigatewaymanagementapi';
import { describe, expect, it } from 'vitest';
import { HandshakeRefused } from '../../protocol/waiting-client.ts';
import { connect } from '../../test/support/ws-client.ts';
import type { ConnectEvent, DisconnectEvent, MessageEvent } from './events.ts';
import { gate, ok, recorder, recording, startGateway } from './test-gateway.ts';
import { managementClient } from './test-management.ts';
import { createThrottle } from './throttle.ts';
import { InvocationRefused } from './types.ts';

async function refusal(promise: Promise<unknown>): Promise<HandshakeRefused> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(HandshakeRefused);
  return error as HandshakeRefused;
}

describe('$connect', () => {
  it('gets the handshake in the shape that AWS documents', async () => {
    const events = recorder<ConnectEvent>();
    const { url } = await startGateway({ routes: { $connect: recording(events) } });
    const before = Date.now();
    await connect(`${url}?session_id=s%201&tag=a&tag=b`, {
      headers: { 'User-Agent': 'a test', 'X-Mixed-Case': 'kept' },
    });
    const { requestContext, ...event } = await events.at(0);
    expect(event).toMatchObject({
      queryStringParameters: { session_id: 's 1', tag: 'b' },
      multiValueQueryStringParameters: { session_id: ['s 1'], tag: ['a', 'b'] },
      isBase64Encoded: false,
    });
    expect(event.headers).toMatchObject({ 'X-Mixed-Case': 'kept', 'X-Forwarded-For': '127.0.0.1' });
    expect(event.multiValueHeaders).toMatchObject({ 'X-Mixed-Case': ['kept'] });
    expect(requestContext).toEqual({
      routeKey: '$connect',
      eventType: 'CONNECT',
      messageDirection: 'IN',
      stage: 'local',
      apiId: 'abc123def4',
      identity: { userAgent: 'a test', sourceIp: '127.0.0.1' },
      domainName: new URL(url).host,
      connectionId: expect.stringMatching(/^[\w-]{15}=$/),
      requestId: expect.stringMatching(/^[\w-]{15}=$/),
      extendedRequestId: requestContext.requestId,
      requestTime: expect.stringMatching(/^\d\d\/[A-Z][a-z]{2}\/\d{4}:\d\d:\d\d:\d\d \+0000$/),
      connectedAt: expect.any(Number),
      requestTimeEpoch: expect.any(Number),
    });
    expect(requestContext.connectedAt).toBeGreaterThanOrEqual(before);
    expect(requestContext.requestTimeEpoch).toBeGreaterThanOrEqual(requestContext.connectedAt);
  });

  it('gets the addresses that proxies name, in their order, and the last hop’s after them', async () => {
    const events = recorder<ConnectEvent>();
    const { url } = await startGateway({ routes: { $connect: recording(events) } });
    await connect(url, { headers: { 'x-forwarded-for': '192.0.2.1, 192.0.2.2' } });
    const { headers, multiValueHeaders } = await events.at(0);
    const all = '192.0.2.1, 192.0.2.2, 127.0.0.1';
    const named = Object.entries(headers).filter(([name]) => name.toLowerCase() === 'x-forwarded-for');
    expect(named).toEqual([['X-Forwarded-For', all]]);
    expect(multiValueHeaders['X-Forwarded-For']).toEqual([all]);
  });

  it('has no query fields when there is no query', async () => {
    const events = recorder<ConnectEvent>();
    const { url } = await startGateway({ routes: { $connect: recording(events) } });
    await connect(`${url}/`);
    expect(await events.at(0)).not.toHaveProperty('queryStringParameters');
  });

  it('is not needed: without it every client of the stage gets in', async () => {
    const { url, gateway } = await startGateway();
    await connect(url);
    expect(gateway.connections()).toHaveLength(1);
  });

  it.each(['/', '/other', '/local/more', '//local', '/%', '/Local'])('refuses the path %s', async (path) => {
    const events = recorder<ConnectEvent>();
    const { url } = await startGateway({ routes: { $connect: recording(events) } });
    const { statusCode, body } = await refusal(connect(new URL(url).origin.replace('http', 'ws') + path));
    expect(statusCode).toBe(403);
    expect(JSON.parse(body)).toMatchObject({ message: 'Forbidden' });
    expect(events.taken).toEqual([]);
  });

  it('refuses a URL over 4096 characters', async () => {
    const { url } = await startGateway();
    const before = `${new URL(url).pathname}?token=`.length;
    await connect(`${url}?token=${'x'.repeat(4096 - before)}`);
    expect((await refusal(connect(`${url}?token=${'x'.repeat(4097 - before)}`))).statusCode).toBe(414);
  });

  it('gets a name of the query as it is, also one that every object has', async () => {
    const events = recorder<ConnectEvent>();
    const { url } = await startGateway({ routes: { $connect: recording(events) } });
    await connect(`${url}?__proto__=a&__proto__=b&constructor=c`);
    const { queryStringParameters, multiValueQueryStringParameters } = await events.at(0);
    expect(Object.entries(queryStringParameters ?? {})).toEqual([
      ['__proto__', 'b'],
      ['constructor', 'c'],
    ]);
    expect(Object.entries(multiValueQueryStringParameters ?? {})).toEqual([
      ['__proto__', ['a', 'b']],
      ['constructor', ['c']],
    ]);
  });

  it('that refuses is named in the answer, as in its event', async () => {
    const events = recorder<ConnectEvent>();
    const { url } = await startGateway({
      routes: {
        $connect: async (event) => {
          events.take(event as ConnectEvent);
          return { statusCode: 403 };
        },
      },
    });
    const { body } = await refusal(connect(url));
    const { connectionId, requestId } = (await events.at(0)).requestContext;
    expect(JSON.parse(body)).toEqual({ message: 'Forbidden', connectionId, requestId });
  });

  it('that refuses is answered as JSON, with the id of the request in a header', async () => {
    const { url } = await startGateway({ routes: { $connect: async () => ({ statusCode: 403 }) } });
    const headers = {
      connection: 'upgrade',
      upgrade: 'websocket',
      'sec-websocket-version': '13',
      'sec-websocket-key': Buffer.alloc(16).toString('base64'),
    };
    const [answer] = (await once(sendRequest(url.replace('ws', 'http'), { headers }).end(), 'response')) as [
      IncomingMessage,
    ];
    const { requestId } = JSON.parse(await text(answer));
    expect(answer.headers).toMatchObject({
      'content-type': 'application/json',
      'x-amzn-requestid': requestId,
    });
  });

  it('compresses nothing, as API Gateway does not', async () => {
    const { url } = await startGateway();
    expect((await connect(url)).socket.extensions).toBe('');
  });

  it('is not asked about handshakes beyond its throttle: a stranger’s flood invokes no function, and opens nothing', async () => {
    const events = recorder<ConnectEvent>();
    const asked: unknown[] = [];
    const { url, gateway } = await startGateway({
      routes: { $connect: recording(events) },
      authorizer: {
        identitySources: [],
        invoke: async (event) => {
          asked.push(event);
          throw new Error('Unauthorized');
        },
      },
      acceptsHandshake: createThrottle({ rate: 1, burst: 3 }, () => 0),
    });
    const statuses = [];
    for (let n = 0; n < 6; n++) statuses.push((await refusal(connect(url))).statusCode);
    expect(statuses).toEqual([401, 401, 401, 429, 429, 429]);
    expect(asked).toHaveLength(3);
    expect(events.taken).toEqual([]);
    expect(gateway.connections()).toEqual([]);
  });

  it('is not asked about a handshake that is refused beforehand, which is said, and throttles nobody', async () => {
    const events = recorder<ConnectEvent>();
    const asked: unknown[] = [];
    const { url } = await startGateway({
      routes: { $connect: recording(events) },
      authorizer: { identitySources: [], invoke: async (event) => asked.push(event) },
      acceptsHandshake: () => asked.push('throttle') > 0,
      refusal: ({ headers }) => (headers.origin === 'https://evil.example' ? 'Not from there.' : undefined),
    });
    const { statusCode, body } = await refusal(connect(url, { headers: { Origin: 'https://evil.example' } }));
    expect([statusCode, JSON.parse(body)]).toMatchObject([403, { message: 'Not from there.' }]);
    expect([...events.taken, ...asked]).toEqual([]);
    await refusal(connect(url));
    expect(asked).toHaveLength(2);
  });

  it('is not asked about a handshake that could not open', async () => {
    const events = recorder<ConnectEvent>();
    const { url } = await startGateway({ routes: { $connect: recording(events) } });
    const socket = dial(Number(new URL(url).port), '127.0.0.1');
    socket.write('GET /local HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n');
    let answer = '';
    for await (const chunk of socket) answer += chunk;
    expect(answer).toMatch(/^HTTP\/1.1 400 /);
    expect(events.taken).toEqual([]);
  });

  it.each([301, 400, 401, 403, 429, 500, 503])(
    'refuses with the status %i that it returns',
    async (statusCode) => {
      const { url, gateway } = await startGateway({ routes: { $connect: async () => ({ statusCode }) } });
      const refused = await refusal(connect(url));
      expect(refused.statusCode).toBe(statusCode);
      expect(JSON.parse(refused.body)).toMatchObject({
        connectionId: expect.any(String),
        requestId: expect.any(String),
      });
      expect(gateway.connections()).toEqual([]);
    },
  );

  it.each([200, 201, 299])('opens on %i', async (statusCode) => {
    const { url } = await startGateway({ routes: { $connect: async () => ({ statusCode }) } });
    await expect(connect(url)).resolves.toBeDefined();
  });

  it('refuses with 500 when API Gateway may not invoke it', async () => {
    const { url } = await startGateway({
      routes: {
        $connect: async () => {
          throw new InvocationRefused('no permission');
        },
      },
    });
    expect((await refusal(connect(url))).statusCode).toBe(500);
  });

  it('refuses with 502 when it throws', async () => {
    const { url, logs } = await startGateway({
      routes: {
        $connect: async () => {
          throw new TypeError('no table');
        },
      },
    });
    expect((await refusal(connect(url))).statusCode).toBe(502);
    expect(logs).toEqual([expect.stringContaining('TypeError: no table')]);
  });

  it.each([undefined, null, 'ok', {}, { statusCode: 'fine' }, { statusCode: 101 }])(
    'refuses with 502 when it returns %j',
    async (value) => {
      const { url, logs } = await startGateway({ routes: { $connect: async () => value } });
      expect((await refusal(connect(url))).statusCode).toBe(502);
      expect(logs).toEqual([expect.stringContaining('$connect')]);
    },
  );

  it('refuses with 504 when its time is up', async () => {
    const { url } = await startGateway({ routes: { $connect: () => gate().opened }, timeoutMs: 20 });
    expect((await refusal(connect(url))).statusCode).toBe(504);
  });

  it('chooses the subprotocol that is echoed', async () => {
    const { url } = await startGateway({
      routes: {
        $connect: async () => ({ statusCode: 200, headers: { 'sec-websocket-PROTOCOL': 'midturn.v1' } }),
      },
    });
    const client = await connect(url, { protocols: ['zeroclaw.v1', 'midturn.v1'] });
    expect(client.protocol).toBe('midturn.v1');
  });

  it('echoes no subprotocol that it does not choose', async () => {
    const { url } = await startGateway({ routes: { $connect: ok } });
    // `ws` fails a connection that echoes none of the subprotocols it asked for, as RFC 6455 lets it.
    await expect(connect(url, { protocols: ['midturn.v1'] })).rejects.toThrow('no subprotocol');
  });

  it('runs before the connection can be posted to', async () => {
    const events = recorder<ConnectEvent>();
    const returning = gate();
    const { url, endpoint, gateway } = await startGateway({
      routes: {
        $connect: async (event) => {
          events.take(event as ConnectEvent);
          await returning.opened;
          return { statusCode: 200 };
        },
      },
    });
    const connecting = connect(url);
    const { connectionId } = (await events.at(0)).requestContext;
    const management = managementClient(endpoint);
    const post = new PostToConnectionCommand({ ConnectionId: connectionId, Data: '{"type":"pong"}' });
    await expect(management.send(post)).rejects.toMatchObject({ name: 'GoneException' });
    expect(gateway.connections()).toEqual([]);
    returning.open();
    const client = await connecting;
    await management.send(post);
    await client.next('pong');
  });

  it('is followed by $disconnect when the client has gone meanwhile', async () => {
    const events = recorder<ConnectEvent>();
    const ends = recorder<DisconnectEvent>();
    const returning = gate();
    const { url, server } = await startGateway({
      routes: {
        $connect: async (event) => {
          events.take(event as ConnectEvent);
          await returning.opened;
          return { statusCode: 200 };
        },
        $disconnect: recording(ends),
      },
    });
    const sockets: import('node:net').Socket[] = [];
    server.on('connection', (socket) => sockets.push(socket));
    const connecting = connect(url);
    const { connectionId } = (await events.at(0)).requestContext;
    for (const socket of sockets) socket.destroy();
    await expect(connecting).rejects.toThrow();
    returning.open();
    expect((await ends.at(0)).requestContext).toMatchObject({ connectionId, disconnectStatusCode: 1006 });
  });

  it('loses no frame that the client sends with the handshake', async () => {
    const messages = recorder<MessageEvent>();
    const { url } = await startGateway({ routes: { $connect: ok, $default: recording(messages) } });
    const client = await connect(url);
    client.sendRaw('first');
    expect((await messages.at(0)).body).toBe('first');
  });
});
