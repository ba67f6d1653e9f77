import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { type WebSocket, WebSocketServer } from 'ws';
import { WAIT_MS } from '../test/support/timeouts.ts';
import { connect, type WsClient } from '../test/support/ws-client.ts';
import { HandshakeRefused, openWaitingClient } from './waiting-client.ts';

interface Pair {
  client: WsClient;
  server: WebSocket;
}

async function listen(options: ConstructorParameters<typeof WebSocketServer>[0] = {}) {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0, ...options });
  await once(server, 'listening');
  onTestFinished(async () => {
    for (const socket of server.clients) socket.terminate();
    await new Promise((resolve) => server.close(resolve));
  });
  return { server, url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

async function pair(): Promise<Pair> {
  const { server, url } = await listen();
  const [client, [socket]] = await Promise.all([connect(url), once(server, 'connection')]);
  return { client, server: socket };
}

function post(server: WebSocket, ...frames: object[]): void {
  for (const frame of frames) server.send(JSON.stringify(frame));
}

const pong = (nonce: number) => ({ type: 'pong', nonce });
const connected = { type: 'connected', message: 'hello' };

it('gives matching frames one after the other, also those that came before it was asked', async () => {
  const { client, server } = await pair();
  post(server, pong(1), connected, pong(2));
  await client.waitFor('connected');
  expect(await client.next('pong')).toEqual(pong(1));
  expect(await client.next('pong')).toEqual(pong(2));
  expect(client.frames).toEqual([pong(1), connected, pong(2)]);
});

it('passes over frames that do not match, and waitFor still finds them', async () => {
  const { client, server } = await pair();
  post(server, connected, pong(1));
  await client.next('pong');
  expect(await client.waitFor('connected')).toEqual(connected);
});

it('gives two waits for the same type two frames, in the order of asking', async () => {
  const { client, server } = await pair();
  const both = Promise.all([client.next('pong'), client.next('pong')]);
  post(server, pong(1), pong(2));
  expect(await both).toEqual([pong(1), pong(2)]);
});

it('gives all frames up to one, without those already taken', async () => {
  const { client, server } = await pair();
  post(server, pong(1), pong(2), pong(3), connected, pong(4));
  await client.next('pong');
  expect(await client.until('connected')).toEqual([pong(2), pong(3), connected]);
});

it('waits by predicate', async () => {
  const { client, server } = await pair();
  post(server, pong(1), pong(2), pong(3));
  expect(await client.next((frame) => frame.type === 'pong' && frame.nonce === 3)).toEqual(pong(3));
});

it('says what came instead when a wait runs out', async () => {
  const { client, server } = await pair();
  post(server, pong(1), connected);
  await client.next('pong');
  await client.waitFor('connected');
  await expect(client.next('done', { timeoutMs: 1 })).rejects.toThrow(
    /Waited for next "done": nothing within 0.001 s.\n2 frames received.*\n {4}.*"nonce":1.*\n {2}\* .*hello/,
  );
});

it('fails a wait at once when the socket closes, and every later one', async () => {
  const { client, server } = await pair();
  const waiting = client.next('done');
  server.close(4000, 'no more');
  await expect(waiting).rejects.toThrow('the socket was closed with 4000 "no more"');
  expect(await client.closed).toEqual({ code: 4000, reason: 'no more' });
  await expect(client.next('done')).rejects.toThrow('4000');
});

it('still gives what had come before the socket closed', async () => {
  const { client, server } = await pair();
  post(server, connected);
  server.close();
  await client.closed;
  expect(await client.next('connected')).toEqual(connected);
});

it('fails a wait when a frame is not JSON, and quotes it', async () => {
  const { client, server } = await pair();
  const waiting = client.next('done');
  server.send('not json');
  await expect(waiting).rejects.toThrow('not JSON: not json');
});

it('sends frames, raw text, binary, and one message in many frames', async () => {
  const { client, server } = await pair();
  const received: string[] = [];
  server.on('message', (data, isBinary) => received.push(`${isBinary ? 'binary' : 'text'} ${data}`));
  client.send({ type: 'ping', nonce: 1 });
  client.sendRaw('{');
  client.sendBinary(Buffer.from('b'));
  client.sendFragmented('hä'.repeat(3), 2);
  client.sendFragmented('', 2);
  await client.close();
  expect(received).toEqual(['text {"type":"ping","nonce":1}', 'text {', 'binary b', 'text hähähä', 'text ']);
});

it('tells a refused handshake by its status and body', async () => {
  const { url } = await listen({ verifyClient: (_info, answer) => answer(false, 403, '{"message":"no"}') });
  const refused = connect(url);
  await expect(refused).rejects.toBeInstanceOf(HandshakeRefused);
  await expect(refused).rejects.toMatchObject({ statusCode: 403, body: '{"message":"no"}' });
});

it('sends headers and subprotocols with the handshake', async () => {
  const { server, url } = await listen();
  const requested = once(server, 'connection');
  const client = await connect(url, {
    headers: { Authorization: 'Bearer t' },
    protocols: ['midturn.v1', 'bearer.t'],
  });
  const [, request] = await requested;
  expect(request.headers).toMatchObject({
    authorization: 'Bearer t',
    'sec-websocket-protocol': 'midturn.v1,bearer.t',
  });
  expect(client.protocol).toBe('midturn.v1');
});

it('ends without a handshake when asked to', async () => {
  const { client, server } = await pair();
  const ended = once(server, 'close');
  await client.terminate();
  expect((await ended)[0]).toBe(1006);
});

it('finds frames from an index on', async () => {
  const { client, server } = await pair();
  post(server, pong(1), connected, pong(2));
  await client.waitFor('connected');
  expect(await client.waitFor('pong', { from: 1 })).toEqual(pong(2));
});

it('fails every wait that is going on when told to, and none that begins later', async () => {
  const { client, server } = await pair();
  const waiting = client.waitFor('done', { what: 'the end' });
  client.failWaits('too many frames');
  await expect(waiting).rejects.toThrow('Waited for the end: too many frames.');
  post(server, connected);
  expect(await client.next('connected')).toEqual(connected);
});

it('keeps what its reader makes of a message, and nothing for which that returns undefined', async () => {
  const { server, url } = await listen();
  const [client, [socket]] = await Promise.all([
    openWaitingClient(url, {
      timeoutMs: WAIT_MS,
      read: (text, isBinary) => (isBinary ? undefined : { type: text }),
    }),
    once(server, 'connection'),
  ]);
  socket.send(Buffer.from('binary'), { binary: true });
  socket.send('text');
  await client.next('text');
  expect(client.frames).toEqual([{ type: 'text' }]);
});
