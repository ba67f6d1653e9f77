import { once } from 'node:events';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { anyText, brokenText } from '../../test/support/text.ts';
import { connect, type WsClient } from '../../test/support/ws-client.ts';
import { endOfProtocolError } from './close-codes.ts';
import { errorFrame } from './error-frame.ts';
import type { DisconnectEvent, MessageEvent } from './events.ts';
import { MAX_MESSAGES_IN_FLIGHT } from './limits.ts';
import { gate, recorder, recording, startGateway } from './test-gateway.ts';
import type { Invoke, Traffic } from './types.ts';

async function start($default?: (event: MessageEvent) => Promise<unknown>) {
  const ends = recorder<DisconnectEvent>();
  const messages = recorder<MessageEvent>();
  const handle: Invoke = (event) => {
    messages.take(event as MessageEvent);
    return $default?.(event as MessageEvent) ?? Promise.resolve({ statusCode: 200 });
  };
  const started = await startGateway({ routes: { $default: handle, $disconnect: recording(ends) } });
  const client = await connect(started.url);
  const [id = ''] = started.gateway.connections();
  const ask = (method: string, body?: string) =>
    fetch(`${started.endpoint}/@connections/${id}`, { method, ...(body !== undefined && { body }) });
  return { ...started, ends, messages, client, id, ask };
}

const socketOf = (client: WsClient) => Reflect.get(client.socket, '_socket');

/** Round trips of another connection: what the gateway reads, it has read by then. */
async function roundTrips(url: string, count = 5): Promise<void> {
  const { socket } = await connect(url);
  for (let trip = 0; trip < count; trip += 1) {
    const pong = once(socket, 'pong');
    socket.ping();
    await pong;
  }
}

describe('an observer of traffic', () => {
  it('is told the bytes of each message and its direction, whatever its letters, until it stops', async () => {
    const { gateway, client, messages, ask } = await start();
    const texts = fc.sample(anyText({ minLength: 1 }), 5);
    const seen: Traffic[] = [];
    const stop = gateway.onTraffic((traffic) => seen.push(traffic));
    for (const [n, text] of texts.entries()) {
      client.sendRaw(text);
      await messages.at(n);
      await ask('POST', JSON.stringify(text));
    }
    stop();
    client.sendRaw('after');
    await messages.at(texts.length);
    expect(seen).toEqual(
      texts.flatMap((text) => [
        { direction: 'in', bytes: Buffer.byteLength(text) },
        { direction: 'out', bytes: Buffer.byteLength(JSON.stringify(text)) },
      ]),
    );
  });
});

describe('a connection', () => {
  it('tells its first moment and its last message, in either direction', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: 1_000_000 });
    onTestFinished(() => void vi.useRealTimers());
    const { client, messages, ask } = await start();
    const times = async () => {
      const { connectedAt, lastActiveAt } = (await (await ask('GET')).json()) as Record<string, string>;
      return [connectedAt, lastActiveAt].map((time) => Date.parse(time ?? ''));
    };
    expect(await times()).toEqual([1_000_000, 1_000_000]);
    vi.setSystemTime(2_000_000);
    client.sendRaw('hello');
    expect((await messages.at(0)).requestContext).toMatchObject({
      connectedAt: 1_000_000,
      requestTimeEpoch: 2_000_000,
      requestTime: '01/Jan/1970:00:33:20 +0000',
    });
    expect(await times()).toEqual([1_000_000, 2_000_000]);
    vi.setSystemTime(3_000_000);
    await ask('POST', '{}');
    expect(await times()).toEqual([1_000_000, 3_000_000]);
  });

  it('hands over nothing that comes after its cut, though it came in the same bytes', async () => {
    const { gateway, client, messages, ends, id } = await start(async () => gateway.cut(id));
    const socket = socketOf(client);
    socket.cork();
    for (const text of ['one', 'two', 'three']) client.sendRaw(text);
    socket.uncork();
    await ends.at(0);
    expect(messages.taken.map(({ body }) => body)).toEqual(['one']);
  });

  it('that vanished stays unread when a function of its earlier message returns', async () => {
    const returning = gate();
    const { gateway, url, client, messages, id } = await start(() => returning.opened);
    client.sendRaw('before');
    await messages.at(0);
    gateway.hang(id);
    client.sendRaw('after');
    returning.open();
    await roundTrips(url);
    expect(messages.taken.map(({ body }) => body)).toEqual(['before']);
  });

  it('ends for the first reason that there is, whatever its client does meanwhile', async () => {
    const { url, client, ends, ask } = await start();
    client.socket.pause();
    await ask('DELETE');
    // Not masked, as a client's frame must be.
    socketOf(client).write(Buffer.from([0x81, 0x01, 0x61]));
    await roundTrips(url);
    await client.terminate();
    expect((await ends.at(0)).requestContext).toMatchObject({
      disconnectStatusCode: 1000,
      disconnectReason: 'Connection Closed Normally',
    });
  });

  it('whose client sends what is no UTF-8 ends with 1007', async () => {
    const { client, ends } = await start();
    // A masked text of one byte: the mask of zeros leaves it as it is.
    socketOf(client).write(Buffer.from([0x81, 0x81, 0, 0, 0, 0, 0xff]));
    expect((await client.closed).code).toBe(1007);
    expect((await ends.at(0)).requestContext.disconnectStatusCode).toBe(1007);
  });
});

describe('the time of a connection', () => {
  const fakeTimers = () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
  };

  it('is no longer counted after its end: no timer stays', async () => {
    fakeTimers();
    const { client, gateway } = await start();
    await client.close();
    await gateway.close();
    expect(vi.getTimerCount()).toBe(0);
  });

  it('is over at once where its client answers, also if too many messages are with their functions', async () => {
    const all = gate();
    fakeTimers();
    const { client, messages, ends, ask } = await start(() => all.opened);
    for (let n = 0; n < MAX_MESSAGES_IN_FLIGHT * 2; n += 1) client.sendRaw(`${n}`);
    await messages.at(MAX_MESSAGES_IN_FLIGHT - 1);
    await ask('DELETE');
    expect((await ends.at(0)).requestContext.disconnectStatusCode).toBe(1000);
    all.open();
  });

  it('is over after 2 seconds where its client does not answer the close frame', async () => {
    fakeTimers();
    const { client, ends, ask } = await start();
    client.socket.pause();
    await ask('DELETE');
    await vi.advanceTimersByTimeAsync(1999);
    expect(ends.taken).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect((await ends.at(0)).requestContext.disconnectStatusCode).toBe(1000);
    await client.terminate();
  });
});

// Codes of the errors of `ws`, and those of RFC 6455, section 7.4.1.
it.each([
  ['WS_ERR_INVALID_UTF8', 1007],
  ['WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH', 1009],
  ['WS_ERR_UNSUPPORTED_MESSAGE_LENGTH', 1009],
  ['WS_ERR_TOO_MANY_BUFFERED_PARTS', 1008],
  ['WS_ERR_INVALID_OPCODE', 1002],
  ['ECONNRESET', 1006],
  [undefined, 1006],
])('a connection that ends by the error %s is told as %i', (code, told) => {
  expect(endOfProtocolError(Object.assign(new Error('why'), code !== undefined && { code })).code).toBe(told);
});

it('a message of the gateway is JSON, whatever stands in it', () => {
  fc.assert(
    fc.property(brokenText(), (message) => {
      expect(JSON.parse(errorFrame(message, 'c=', 'r='))).toEqual({
        message,
        connectionId: 'c=',
        requestId: 'r=',
      });
    }),
  );
});
