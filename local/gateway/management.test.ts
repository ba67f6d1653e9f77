import { request as httpRequest } from 'node:http';
import { text as readText } from 'node:stream/consumers';
import {
  DeleteConnectionCommand,
  GetConnectionCommand,
  PostToConnectionCommand,
} from '@aws-sdk/client-apigatewaymanagementapi';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { WAIT_MS } from '../../test/support/timeouts.ts';
import { connect, type Received } from '../../test/support/ws-client.ts';
import type { DisconnectEvent } from './events.ts';
import { ok, recorder, recording, startGateway } from './test-gateway.ts';
import { managementClient } from './test-management.ts';

async function start(options: Parameters<typeof startGateway>[0] = {}) {
  const ends = recorder<DisconnectEvent>();
  const started = await startGateway({
    ...options,
    routes: { $default: ok, $disconnect: recording(ends) },
  });
  const client = await connect(started.url, { headers: { 'User-Agent': 'a test' } });
  const [id = ''] = started.gateway.connections();
  return { ...started, ends, client, id, management: managementClient(started.endpoint) };
}

const pong = (nonce: number | string) => JSON.stringify({ type: 'pong', nonce });
const post = (ConnectionId: string, Data: string) => new PostToConnectionCommand({ ConnectionId, Data });

describe('the management API, by the SDK', () => {
  it('posts a body as one text message, whatever it needs in frames', async () => {
    const { management, client, id } = await start();
    await management.send(post(id, pong('ä'.repeat(60_000))));
    expect(await client.next('pong')).toEqual({ type: 'pong', nonce: 'ä'.repeat(60_000) });
  });

  it('tells the times and the identity of a connection', async () => {
    const { management, client, id } = await start();
    const before = await management.send(new GetConnectionCommand({ ConnectionId: id }));
    expect(before.Identity).toEqual({ SourceIp: '127.0.0.1', UserAgent: 'a test' });
    expect(before.ConnectedAt).toBeInstanceOf(Date);
    expect(before.LastActiveAt?.getTime()).toBeGreaterThanOrEqual(
      before.ConnectedAt?.getTime() ?? Number.NaN,
    );
    await management.send(post(id, pong(1)));
    await client.next('pong');
    const after = await management.send(new GetConnectionCommand({ ConnectionId: id }));
    expect(after.ConnectedAt).toEqual(before.ConnectedAt);
    expect(after.LastActiveAt?.getTime()).toBeGreaterThanOrEqual(
      before.LastActiveAt?.getTime() ?? Number.NaN,
    );
  });

  it('closes a connection', async () => {
    const { management, client, id, ends } = await start();
    await management.send(new DeleteConnectionCommand({ ConnectionId: id }));
    expect((await client.closed).code).toBe(1000);
    expect((await ends.at(0)).requestContext).toMatchObject({
      disconnectStatusCode: 1000,
      disconnectReason: 'Connection Closed Normally',
    });
  });

  it('answers GoneException for a connection that has ended', async () => {
    const { management, client, id } = await start();
    await client.close();
    const gone = { name: 'GoneException', $metadata: { httpStatusCode: 410 } };
    await expect(management.send(post(id, 'x'))).rejects.toMatchObject(gone);
    await expect(management.send(new GetConnectionCommand({ ConnectionId: id }))).rejects.toMatchObject(gone);
    await expect(management.send(new DeleteConnectionCommand({ ConnectionId: id }))).rejects.toMatchObject(
      gone,
    );
  });

  it('answers GoneException as soon as the closing has begun, though the client does not answer', async () => {
    const { management, gateway, client, id } = await start();
    client.socket.pause();
    await management.send(new DeleteConnectionCommand({ ConnectionId: id }));
    expect(gateway.connections()).toEqual([]);
    const gone = { name: 'GoneException' };
    await expect(management.send(post(id, 'x'))).rejects.toMatchObject(gone);
    await expect(management.send(new GetConnectionCommand({ ConnectionId: id }))).rejects.toMatchObject(gone);
    await expect(management.send(new DeleteConnectionCommand({ ConnectionId: id }))).rejects.toMatchObject(
      gone,
    );
    await client.terminate();
  });

  it('answers GoneException from the moment of a cut', async () => {
    const { management, gateway, id } = await start();
    gateway.cut(id);
    await expect(management.send(post(id, 'x'))).rejects.toMatchObject({ name: 'GoneException' });
  });

  it('answers GoneException for an id that was never there', async () => {
    const { management } = await start();
    await expect(management.send(post('AAAAAAAAAAAAAAA=', 'x'))).rejects.toMatchObject({
      name: 'GoneException',
    });
  });

  it('takes 128 KB and answers PayloadTooLargeException beyond', async () => {
    const { management, client, id } = await start();
    const fits = pong('x'.repeat(128 * 1024 - pong('').length));
    await management.send(post(id, fits));
    await expect(management.send(post(id, `${fits} `))).rejects.toMatchObject({
      name: 'PayloadTooLargeException',
      $metadata: { httpStatusCode: 413 },
    });
    await management.send(post(id, pong('last')));
    await client.next((frame) => frame.type === 'pong' && frame.nonce === 'last');
    expect(client.frames).toHaveLength(2);
  });

  it('takes a post while nothing waits for the client, however little may wait', async () => {
    const { management, client, id } = await start({ limits: { sendBufferBytes: 0 } });
    await management.send(post(id, pong(1)));
    expect(await client.next('pong')).toMatchObject({ nonce: 1 });
  });

  it('answers LimitExceededException when the client does not read', async () => {
    const { management, client, id } = await start({ limits: { sendBufferBytes: 1000 } });
    client.socket.pause();
    const flood = async () => {
      for (;;) await management.send(post(id, 'x'.repeat(128 * 1024)));
    };
    await expect(flood()).rejects.toMatchObject({
      name: 'LimitExceededException',
      $metadata: { httpStatusCode: 429 },
    });
    await client.terminate();
  });
});

describe('a client that vanished without a word', () => {
  it('is never posted to: the caller waits until it gives up', async () => {
    const { management, gateway, server, client, id } = await start();
    const arrived = recorder<true>();
    server.on('request', () => arrived.take(true));
    gateway.hang(id);
    const given = new AbortController();
    const posting = management.send(post(id, pong('lost')), { abortSignal: given.signal });
    // The gateway answers what comes later, and not the post.
    await arrived.at(0);
    await management.send(new GetConnectionCommand({ ConnectionId: id }));
    expect(await Promise.race([posting, Promise.resolve('unanswered')])).toBe('unanswered');
    given.abort();
    await expect(posting).rejects.toMatchObject({ name: 'AbortError' });
    expect(client.frames).toEqual([]);
    expect(gateway.connections()).toEqual([id]);
  });

  it('does not hold up posts to others', async () => {
    const { management, gateway, url, id } = await start();
    const other = await connect(url);
    const otherId = gateway.connections().find((known) => known !== id) ?? '';
    gateway.hang(id);
    const given = new AbortController();
    const posting = management.send(post(id, pong('lost')), { abortSignal: given.signal });
    await management.send(post(otherId, pong('here')));
    expect(await other.next('pong')).toMatchObject({ nonce: 'here' });
    given.abort();
    await expect(posting).rejects.toThrow();
  });

  it('sends nothing any more, and is disconnected by a DELETE', async () => {
    const { management, gateway, client, id, ends } = await start();
    gateway.hang(id);
    client.send({ type: 'ping' });
    await management.send(new DeleteConnectionCommand({ ConnectionId: id }));
    expect((await ends.at(0)).requestContext).toMatchObject({ disconnectStatusCode: 1000 });
    await expect(management.send(post(id, 'x'))).rejects.toMatchObject({ name: 'GoneException' });
    expect((await client.closed).code).toBe(1006);
  });
});

describe('slow posts', () => {
  it('all arrive, and one that is sent when the last is answered keeps its place', async () => {
    const { management, gateway, client, id } = await start();
    gateway.slowPosts(8);
    for (const nonce of [1, 2, 3]) await management.send(post(id, pong(nonce)));
    await client.until((frame) => frame.type === 'pong' && frame.nonce === 3);
    expect(client.frames).toMatchObject([{ nonce: 1 }, { nonce: 2 }, { nonce: 3 }]);
  });

  it('may overtake one another', async () => {
    const { management, gateway, client, id } = await start();
    gateway.slowPosts(20);
    const sent = Array.from({ length: 50 }, (_, nonce) => nonce);
    await Promise.all(sent.map((nonce) => management.send(post(id, pong(nonce)))));
    await vi.waitUntil(() => client.frames.length === sent.length, { timeout: WAIT_MS });
    const arrived = client.frames.map((frame) => frame.type === 'pong' && Number(frame.nonce));
    expect(arrived.toSorted((a, b) => Number(a) - Number(b))).toEqual(sent);
    expect(arrived).not.toEqual(sent);
  });

  it('find the connection gone if it ended meanwhile', async () => {
    const { management, gateway, server, id } = await start();
    const arrived = recorder<true>();
    server.on('request', () => arrived.take(true));
    vi.spyOn(Math, 'random').mockReturnValue(1);
    onTestFinished(() => void vi.restoreAllMocks());
    gateway.slowPosts(200);
    const posting = management.send(post(id, 'x'));
    await arrived.at(0);
    gateway.cut(id);
    await expect(posting).rejects.toMatchObject({ name: 'GoneException' });
  });
});

describe('the management API on the wire', () => {
  it('names the error in a header and in words', async () => {
    const { endpoint } = await start();
    const response = await fetch(`${endpoint}/@connections/${encodeURIComponent('AAAAAAAAAAAAAAA=')}`, {
      method: 'POST',
      body: 'x',
    });
    expect(response.status).toBe(410);
    expect(response.headers.get('x-amzn-errortype')).toBe('GoneException');
    expect(response.headers.get('x-amzn-requestid')).toMatch(/^[\w-]{15}=$/);
    expect(response.headers.get('content-type')).toBe('application/json');
    expect(await response.json()).toEqual({ message: expect.any(String) });
  });

  it.each(['@connections', '%40connections'])('takes %s with the id encoded or not', async (folder) => {
    const { endpoint, client, id } = await start();
    for (const part of [id, encodeURIComponent(id)]) {
      const response = await fetch(`${endpoint}/${folder}/${part}`, { method: 'POST', body: pong(part) });
      expect(response.status).toBe(200);
      expect(await client.next('pong')).toMatchObject({ nonce: part });
    }
  });

  it.each([
    ['/other/@connections/x', 404],
    ['/local/connections/x', 404],
    ['/local/@connections/x/y', 404],
    ['/local', 404],
    ['/local/@connections/', 400],
    ['/local/@connections/%ff', 400],
  ])('answers %s with %i', async (path, status) => {
    const { endpoint } = await start();
    const response = await fetch(new URL(endpoint).origin + path);
    expect(response.status).toBe(status);
  });

  it('answers other methods with 405', async () => {
    const { endpoint, id } = await start();
    const response = await fetch(`${endpoint}/@connections/${id}`, { method: 'PUT', body: 'x' });
    expect(response.status).toBe(405);
  });

  /** A post whose body is still to come. */
  function begin(endpoint: string, id: string) {
    const request = httpRequest(`${endpoint}/@connections/${id}`, { method: 'POST' });
    const status = new Promise<number | undefined>((resolve, reject) => {
      request.once('error', reject);
      request.once(
        'response',
        (response) => void readText(response).then(() => resolve(response.statusCode)),
      );
    });
    request.flushHeaders();
    return { request, status };
  }

  it('delivers posts in the order in which they arrived, though a body comes late', async () => {
    const { endpoint, server, client, id } = await start();
    const arrived = recorder<true>();
    server.on('request', () => arrived.take(true));
    const slow = begin(endpoint, id);
    await arrived.at(0);
    const fast = begin(endpoint, id);
    fast.request.end(pong('fast'));
    await arrived.at(1);
    slow.request.end(pong('slow'));
    expect(await Promise.all([slow.status, fast.status])).toEqual([200, 200]);
    const nonces = (
      await client.until((frame: Received) => frame.type === 'pong' && frame.nonce === 'fast')
    ).map((frame) => frame.type === 'pong' && frame.nonce);
    expect(nonces).toEqual(['slow', 'fast']);
  });

  it('closes after the posts that arrived before, and finds it gone the second time', async () => {
    const { endpoint, server, client, id } = await start();
    const arrived = recorder<true>();
    server.on('request', () => arrived.take(true));
    const slow = begin(endpoint, id);
    await arrived.at(0);
    const end = async () => (await fetch(`${endpoint}/@connections/${id}`, { method: 'DELETE' })).status;
    const first = end();
    await arrived.at(1);
    const second = end();
    await arrived.at(2);
    slow.request.end(pong('slow'));
    expect(await Promise.all([slow.status, first, second])).toEqual([200, 204, 410]);
    expect(await client.next('pong')).toMatchObject({ nonce: 'slow' });
    expect((await client.closed).code).toBe(1000);
  });

  it('does not hold up posts to others while a body is still to come', async () => {
    const { endpoint, server, gateway, url, client, id } = await start();
    const other = await connect(url);
    const otherId = gateway.connections().find((known) => known !== id) ?? '';
    const arrived = recorder<true>();
    server.on('request', () => arrived.take(true));
    const slow = begin(endpoint, id);
    await arrived.at(0);
    const response = await fetch(`${endpoint}/@connections/${otherId}?x=1`, {
      method: 'POST',
      body: pong(1),
    });
    expect(response.status).toBe(200);
    expect(await other.next('pong')).toMatchObject({ nonce: 1 });
    slow.request.end(pong(2));
    expect(await client.next('pong')).toMatchObject({ nonce: 2 });
  });

  it('keeps a letter whole whose bytes come in two pieces', async () => {
    const { endpoint, server, client, id } = await start();
    const pieces = recorder<Buffer>();
    server.on('request', (request) => request.on('data', (bytes: Buffer) => pieces.take(bytes)));
    const slow = begin(endpoint, id);
    const body = Buffer.from(pong('€😀'));
    const inside = body.indexOf('€') + 1;
    slow.request.write(body.subarray(0, inside));
    await pieces.at(0);
    slow.request.end(body.subarray(inside));
    expect(await client.next('pong')).toMatchObject({ nonce: '€😀' });
  });

  it('is as it was when posts are no longer slow: in order, and at once', async () => {
    const { endpoint, gateway, server, client, id } = await start();
    gateway.slowPosts(1);
    gateway.slowPosts(0);
    const arrived = recorder<true>();
    server.on('request', () => arrived.take(true));
    const slow = begin(endpoint, id);
    await arrived.at(0);
    const fast = begin(endpoint, id);
    fast.request.end(pong('fast'));
    await arrived.at(1);
    slow.request.end(pong('slow'));
    await Promise.all([slow.status, fast.status]);
    await expect.poll(() => client.frames).toMatchObject([{ nonce: 'slow' }, { nonce: 'fast' }]);
  });

  it('does not let a sender that stalls in mid-body hold up the next for more than 5 seconds', async () => {
    const { endpoint, server, client, id } = await start();
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    const arrived = recorder<true>();
    server.on('request', () => arrived.take(true));
    const stalled = httpRequest(`${endpoint}/@connections/${id}`, {
      method: 'POST',
      headers: { 'content-length': 100 },
    });
    const status = new Promise((resolve) => {
      stalled.once('response', (response) => resolve(response.statusCode));
    });
    stalled.write('{"type":');
    await arrived.at(0);
    const next = fetch(`${endpoint}/@connections/${id}`, { method: 'POST', body: pong(2) });
    await arrived.at(1);
    await vi.advanceTimersByTimeAsync(4999);
    // What the gateway has answered before is there when it answers another request.
    await fetch(endpoint);
    expect(await Promise.race([status, 'waits'])).toBe('waits');
    await vi.advanceTimersByTimeAsync(1);
    expect(await status).toBe(408);
    expect((await next).status).toBe(200);
    expect(await client.next('pong')).toMatchObject({ nonce: 2 });
    stalled.destroy();
  });

  it('does not let a sender that dies in mid-body hold up the next', async () => {
    const { endpoint, server, client, id } = await start();
    const arrived = recorder<true>();
    server.on('request', () => arrived.take(true));
    const dying = httpRequest(`${endpoint}/@connections/${id}`, {
      method: 'POST',
      headers: { 'content-length': 100 },
    });
    dying.on('error', () => {});
    dying.write('{"type":');
    await arrived.at(0);
    dying.destroy();
    const response = await fetch(`${endpoint}/@connections/${id}`, { method: 'POST', body: pong(2) });
    expect(response.status).toBe(200);
    expect(await client.next('pong')).toMatchObject({ nonce: 2 });
    expect(client.frames).toHaveLength(1);
  });
});
