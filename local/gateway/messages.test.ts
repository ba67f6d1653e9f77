import { once } from 'node:events';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { WAIT_MS } from '../../test/support/timeouts.ts';
import { connect, type Received } from '../../test/support/ws-client.ts';
import type { DisconnectEvent, MessageEvent } from './events.ts';
import { MAX_MESSAGES_IN_FLIGHT } from './limits.ts';
import { gate, ok, recorder, recording, startGateway } from './test-gateway.ts';

const isNotice = ({ type }: Received) => type === undefined;

describe('a message', () => {
  it('reaches its route in the shape that AWS documents', async () => {
    const messages = recorder<MessageEvent>();
    const { url, gateway } = await startGateway({ routes: { message: recording(messages), $default: ok } });
    const client = await connect(url, { headers: { 'User-Agent': 'a test' } });
    client.sendRaw('{"type":"message",  "content":"  hé "}');
    const event = await messages.at(0);
    expect(event).toEqual({
      body: '{"type":"message",  "content":"  hé "}',
      isBase64Encoded: false,
      requestContext: {
        routeKey: 'message',
        eventType: 'MESSAGE',
        messageDirection: 'IN',
        messageId: expect.stringMatching(/^[\w-]{15}=$/),
        requestId: expect.stringMatching(/^[\w-]{15}=$/),
        extendedRequestId: event.requestContext.requestId,
        requestTime: expect.any(String),
        requestTimeEpoch: expect.any(Number),
        connectedAt: expect.any(Number),
        stage: 'local',
        identity: { userAgent: 'a test', sourceIp: '127.0.0.1' },
        domainName: new URL(url).host,
        connectionId: gateway.connections()[0],
        apiId: 'abc123def4',
      },
    });
  });

  it('that is not JSON, or names no route, goes to $default', async () => {
    const messages = recorder<MessageEvent>();
    const { url } = await startGateway({ routes: { message: ok, $default: recording(messages) } });
    const client = await connect(url);
    client.sendRaw('{');
    client.sendRaw('{"type":"nope"}');
    await messages.at(1);
    expect(messages.taken.map(({ body, requestContext }) => [body, requestContext.routeKey])).toEqual([
      ['{', '$default'],
      ['{"type":"nope"}', '$default'],
    ]);
  });

  it('without a route and without $default is answered Forbidden, and the connection stays', async () => {
    const messages = recorder<MessageEvent>();
    const { url, gateway } = await startGateway({ routes: { message: recording(messages) } });
    const client = await connect(url);
    client.sendRaw('{"type":"nope"}');
    expect(await client.next(isNotice)).toEqual({
      message: 'Forbidden',
      connectionId: gateway.connections()[0],
      requestId: expect.any(String),
    });
    client.sendRaw('{"type":"message"}');
    await messages.at(0);
  });

  it.each([
    ['throws', 'Internal server error', () => Promise.reject(new Error('secret detail'))],
    ['returns nothing', 'Internal server error', async () => undefined],
    ['takes too long', 'Endpoint request timed out', () => gate().opened],
  ])('whose function %s is answered "%s", and the connection stays', async (_what, message, invoke) => {
    const messages = recorder<MessageEvent>();
    const { url } = await startGateway({
      routes: { bad: invoke, $default: recording(messages) },
      timeoutMs: 30,
    });
    const client = await connect(url);
    client.sendRaw('{"type":"bad"}');
    expect(await client.next(isNotice)).toMatchObject({ message });
    client.sendRaw('still here');
    await messages.at(0);
    expect(JSON.stringify(client.frames)).not.toContain('secret');
  });

  it.each([
    ['throws', async () => Promise.reject(new Error('no table')), 'no table'],
    ['returns nothing', async () => undefined, 'no Lambda proxy response'],
    ['takes too long', () => gate().opened, 'within 30 ms'],
  ])('whose function %s is in the log, with its route and connection', async (_what, invoke, why) => {
    const { url, gateway, logs } = await startGateway({ routes: { bad: invoke }, timeoutMs: 30 });
    const client = await connect(url);
    client.sendRaw('{"type":"bad"}');
    await client.next(isNotice);
    expect(logs).toEqual([expect.stringContaining(`bad of connection ${gateway.connections()[0]}`)]);
    expect(logs[0]).toContain(why);
  });

  it('whose sender left before its function failed is in the log: nobody was told', async () => {
    const asked = recorder<unknown>();
    const failing = gate();
    const { url, gateway, logs } = await startGateway({
      routes: {
        bad: async (event) => {
          asked.take(event);
          await failing.opened;
          throw new Error('no table');
        },
      },
    });
    const client = await connect(url);
    const [id] = gateway.connections();
    client.sendRaw('{"type":"bad"}');
    await asked.at(0);
    await client.close();
    failing.open();
    await expect.poll(() => logs).toHaveLength(2);
    expect(logs[1]).toBe(`connection ${id} was not told "Internal server error": gone`);
  });

  it.each(['$connect', '$default', '$disconnect'])(
    'or an end whose function fails after its time is in the log, by its route: %s',
    async (route) => {
      const failing = gate();
      const { url, logs } = await startGateway({
        routes: {
          [route]: () => failing.opened.then(() => Promise.reject(new Error('too late'))),
        },
        timeoutMs: 20,
      });
      const client = await connect(url).catch(() => undefined);
      client?.sendRaw('hello');
      await client?.close();
      await vi.waitUntil(() => logs.length > 0, { timeout: WAIT_MS });
      failing.open();
      await expect.poll(() => logs.find((line) => line.includes('too late'))).toContain(route);
    },
  );

  it('is not answered with what its function returns, whatever the status', async () => {
    const messages = recorder<MessageEvent>();
    const { url } = await startGateway({
      routes: {
        a: async () => ({ statusCode: 200, body: '{"type":"pong"}' }),
        b: async () => ({ statusCode: 500, body: '{"type":"pong"}' }),
        last: recording(messages),
      },
    });
    const client = await connect(url);
    for (const type of ['a', 'b', 'last']) client.sendRaw(JSON.stringify({ type }));
    await messages.at(0);
    await client.close();
    expect(client.frames).toEqual([]);
  });

  it('is dispatched in order of arrival, without waiting for the ones before it', async () => {
    const messages = recorder<MessageEvent>();
    const all = gate();
    const { url } = await startGateway({
      routes: {
        $default: async (event) => {
          messages.take(event as MessageEvent);
          await all.opened;
          return { statusCode: 200 };
        },
      },
    });
    const client = await connect(url);
    const bodies = Array.from({ length: 50 }, (_, n) => `message ${n}`);
    for (const body of bodies) client.sendRaw(body);
    await messages.at(49);
    all.open();
    expect(messages.taken.map(({ body }) => body)).toEqual(bodies);
    const times = messages.taken.map(({ requestContext }) => requestContext.requestTimeEpoch);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    expect(new Set(messages.taken.map(({ requestContext }) => requestContext.requestId)).size).toBe(50);
  });

  it('has the same time as another one of its millisecond', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    onTestFinished(() => void vi.useRealTimers());
    const messages = recorder<MessageEvent>();
    const { url } = await startGateway({ routes: { $default: recording(messages) } });
    const client = await connect(url);
    for (const body of ['one', 'two']) client.sendRaw(body);
    await messages.at(1);
    const [one, two] = messages.taken.map(({ requestContext }) => requestContext);
    expect(one?.requestTimeEpoch).toBe(two?.requestTimeEpoch);
    expect(one?.requestId).not.toBe(two?.requestId);
  });

  it('is not read while too many are with their functions, and none is lost', async () => {
    const messages = recorder<MessageEvent>();
    const all = gate();
    const { url } = await startGateway({
      routes: {
        $default: async (event) => {
          messages.take(event as MessageEvent);
          await all.opened;
          return { statusCode: 200 };
        },
      },
    });
    const client = await connect(url);
    const sent = MAX_MESSAGES_IN_FLIGHT * 8;
    const padding = 'x'.repeat(4096);
    for (let n = 0; n < sent; n += 1) client.sendRaw(`${n} ${padding}`);
    await messages.at(MAX_MESSAGES_IN_FLIGHT - 1);
    // Another connection's round trips pass the time in which a gateway that reads on would take in far more.
    const other = await connect(url);
    for (let trips = 0; trips < 100; trips += 1) {
      const pong = once(other.socket, 'pong');
      other.socket.ping();
      await pong;
    }
    // What came in the same packet is still handled; a packet is at most 64 KB.
    expect(messages.taken.length).toBeLessThan(MAX_MESSAGES_IN_FLIGHT * 2);
    all.open();
    await messages.at(sent - 1);
    expect(messages.taken.map(({ body }) => Number.parseInt(body, 10))).toEqual(
      Array.from({ length: sent }, (_, n) => n),
    );
  });

  it('in frames of at most 32 KB comes whole up to 128 KB', async () => {
    const messages = recorder<MessageEvent>();
    const { url } = await startGateway({ routes: { $default: recording(messages) } });
    const client = await connect(url);
    const text = 'ä'.repeat(64 * 1024);
    client.sendFragmented(text, 32 * 1024);
    expect((await messages.at(0)).body).toBe(text);
  });

  it.each([
    ['a frame over 32 KB', 32 * 1024 + 1, 32 * 1024 + 1],
    ['a frame far over 128 KB', 1024 * 1024, 1024 * 1024],
    ['a message over 128 KB in small frames', 128 * 1024 + 1, 32 * 1024],
  ])('with %s closes the connection with 1009 and is not delivered', async (_what, bytes, frameBytes) => {
    const messages = recorder<MessageEvent>();
    const ends = recorder<DisconnectEvent>();
    const { url } = await startGateway({
      routes: { $default: recording(messages), $disconnect: recording(ends) },
    });
    const client = await connect(url);
    client.sendRaw('before');
    client.sendFragmented('x'.repeat(bytes), frameBytes);
    client.sendRaw('after');
    expect((await client.closed).code).toBe(1009);
    expect((await ends.at(0)).requestContext.disconnectStatusCode).toBe(1009);
    expect(messages.taken.map(({ body }) => body)).toEqual(['before']);
  });

  it('of exactly 32 KB in one frame is delivered', async () => {
    const messages = recorder<MessageEvent>();
    const { url } = await startGateway({ routes: { $default: recording(messages) } });
    const client = await connect(url);
    client.sendRaw('x'.repeat(32 * 1024));
    expect((await messages.at(0)).body).toHaveLength(32 * 1024);
  });

  it('that is binary closes the connection with 1003 and is not delivered', async () => {
    const messages = recorder<MessageEvent>();
    const ends = recorder<DisconnectEvent>();
    const { url } = await startGateway({
      routes: { $default: recording(messages), $disconnect: recording(ends) },
    });
    const client = await connect(url);
    client.sendRaw('before');
    client.sendBinary(Uint8Array.of(1, 2, 3));
    client.sendRaw('after');
    expect((await client.closed).code).toBe(1003);
    expect((await ends.at(0)).requestContext.disconnectStatusCode).toBe(1003);
    expect(messages.taken.map(({ body }) => body)).toEqual(['before']);
  });
});
