import { once } from 'node:events';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { connect } from '../../test/support/ws-client.ts';
import type { DisconnectEvent, MessageEvent } from './events.ts';
import { gate, recorder, recording, startGateway } from './test-gateway.ts';

async function start(options: Parameters<typeof startGateway>[0] = {}) {
  const ends = recorder<DisconnectEvent>();
  const messages = recorder<MessageEvent>();
  const started = await startGateway({
    ...options,
    routes: { $default: recording(messages), $disconnect: recording(ends), ...options.routes },
  });
  return { ...started, ends, messages };
}

describe('the end of a connection', () => {
  it('is told to $disconnect in the shape that AWS documents', async () => {
    const { url, gateway, ends } = await start();
    const client = await connect(url, { headers: { 'User-Agent': 'a test' } });
    const [connectionId] = gateway.connections();
    await client.close(4001, 'enough');
    const host = new URL(url).host;
    expect(await ends.at(0)).toEqual({
      headers: { Host: host, 'x-api-key': '', 'X-Forwarded-For': '', 'x-restapi': '' },
      multiValueHeaders: { Host: [host], 'x-api-key': [''], 'X-Forwarded-For': [''], 'x-restapi': [''] },
      isBase64Encoded: false,
      requestContext: {
        routeKey: '$disconnect',
        eventType: 'DISCONNECT',
        disconnectStatusCode: 4001,
        disconnectReason: 'enough',
        messageDirection: 'IN',
        stage: 'local',
        connectedAt: expect.any(Number),
        requestTimeEpoch: expect.any(Number),
        requestTime: expect.any(String),
        requestId: expect.any(String),
        extendedRequestId: expect.any(String),
        identity: { userAgent: 'a test', sourceIp: '127.0.0.1' },
        domainName: host,
        connectionId,
        apiId: 'abc123def4',
      },
    });
    expect(gateway.connections()).toEqual([]);
  });

  it('without a close code is told as 1005', async () => {
    const { url, ends } = await start();
    await (await connect(url)).close();
    expect((await ends.at(0)).requestContext).toMatchObject({
      disconnectStatusCode: 1005,
      disconnectReason: 'Client-side close frame status not set',
    });
  });

  it('without a closing handshake is told as 1006', async () => {
    const { url, ends } = await start();
    await (await connect(url)).terminate();
    expect((await ends.at(0)).requestContext).toMatchObject({
      disconnectStatusCode: 1006,
      disconnectReason: 'Connection closed abnormally',
    });
  });

  it('by a broken frame is told as 1002', async () => {
    const { url, ends } = await start();
    const client = await connect(url);
    // A client's frame must be masked: this one is not.
    Reflect.get(client.socket, '_socket').write(Buffer.from([0x81, 0x01, 0x61]));
    expect((await client.closed).code).toBe(1002);
    expect((await ends.at(0)).requestContext.disconnectStatusCode).toBe(1002);
  });

  it('by cut() comes without a closing handshake, and $disconnect follows', async () => {
    const { url, gateway, ends } = await start();
    const client = await connect(url);
    const [connectionId = ''] = gateway.connections();
    gateway.cut(connectionId);
    expect(gateway.connections()).toEqual([]);
    expect((await client.closed).code).toBe(1006);
    expect((await ends.at(0)).requestContext).toMatchObject({ connectionId, disconnectStatusCode: 1006 });
  });

  it('comes with 1001 after the idle time', async () => {
    const { url, ends } = await start({ limits: { idleMs: 40 } });
    const client = await connect(url);
    expect(await client.closed).toEqual({ code: 1001, reason: 'Going away' });
    expect((await ends.at(0)).requestContext).toMatchObject({
      disconnectStatusCode: 1001,
      disconnectReason: 'Going away',
    });
  });

  it('is put off by messages in either direction, not by pings, and comes after two hours anyway', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] });
    onTestFinished(() => void vi.useRealTimers());
    const minutes = (count: number) => vi.advanceTimersByTimeAsync(count * 60_000);
    const { url, endpoint, gateway, messages, ends } = await start();

    const pinging = await connect(url);
    await minutes(9);
    const pong = once(pinging.socket, 'pong');
    pinging.socket.ping();
    await pong;
    await minutes(1);
    expect(await pinging.closed).toEqual({ code: 1001, reason: 'Going away' });
    expect((await ends.at(0)).requestContext.disconnectStatusCode).toBe(1001);

    const busy = await connect(url);
    const [id] = gateway.connections();
    for (let step = 0; step < 13; step += 1) {
      await minutes(9);
      if (step % 2 === 0) {
        busy.sendRaw('busy');
        await messages.at(step / 2);
      } else {
        await fetch(`${endpoint}/@connections/${id}`, { method: 'POST', body: '{"type":"pong"}' });
      }
      expect(gateway.connections()).toEqual([id]);
    }
    await minutes(3);
    expect(await busy.closed).toEqual({ code: 1001, reason: 'Going away' });
  });

  it('comes with 1001 after the lifetime', async () => {
    const { url, ends } = await start({ limits: { idleMs: 60_000, lifetimeMs: 40 } });
    const client = await connect(url);
    expect(await client.closed).toEqual({ code: 1001, reason: 'Going away' });
    expect((await ends.at(0)).requestContext.disconnectStatusCode).toBe(1001);
  });

  it('is told once, though both sides close', async () => {
    const { url, gateway, ends } = await start();
    const client = await connect(url);
    const clientSide = client.close(1000);
    await gateway.close();
    await clientSide;
    expect(ends.taken).toHaveLength(1);
  });

  it('is best effort: a failing $disconnect is logged and harms nobody', async () => {
    const { url, gateway, logs } = await start({
      routes: {
        $disconnect: async () => {
          throw new Error('no table');
        },
      },
    });
    await (await connect(url)).close();
    await gateway.close();
    expect(logs).toEqual([expect.stringContaining('no table')]);
  });
});

describe('close()', () => {
  it('ends all connections with 1001 and waits for their $disconnect', async () => {
    const ends = recorder<DisconnectEvent>();
    const returning = gate();
    const { url, gateway } = await start({
      routes: {
        $disconnect: async (event) => {
          ends.take(event as DisconnectEvent);
          await returning.opened;
          return { statusCode: 200 };
        },
      },
    });
    const clients = [await connect(url), await connect(url)];
    let isClosed = false;
    const closing = gateway.close().then(() => {
      isClosed = true;
    });
    for (const client of clients) expect(await client.closed).toEqual({ code: 1001, reason: 'Going away' });
    await ends.at(1);
    expect(isClosed).toBe(false);
    returning.open();
    await closing;
    expect(gateway.connections()).toEqual([]);
  });

  it('lets nobody in any more', async () => {
    const asked = recorder<unknown>();
    const { url, gateway } = await start({ routes: { $connect: recording(asked as never) } });
    await gateway.close();
    await expect(connect(url)).rejects.toThrow();
    expect(asked.taken).toEqual([]);
  });

  it('drops handshakes whose $connect has not returned', async () => {
    const asked = recorder<unknown>();
    const { url, gateway } = await start({
      routes: {
        $connect: (event) => {
          asked.take(event);
          return gate().opened;
        },
      },
    });
    const connecting = connect(url);
    await asked.at(0);
    await gateway.close();
    await expect(connecting).rejects.toThrow();
  });
});
