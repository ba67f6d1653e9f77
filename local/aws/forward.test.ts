import { once } from 'node:events';
import { createServer, type RequestListener, type Server, request as sendRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createUpstream } from './forward.ts';

async function listening(listener: RequestListener): Promise<{ server: Server; origin: string }> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { server, origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

const BODY = Buffer.from('{"sent":"€"}');

/** A server whose requests go to another one at this address. */
async function serverBefore(endpoint: string) {
  const told: string[] = [];
  const results: unknown[] = [];
  const upstream = createUpstream(endpoint, (what) => told.push(what));
  onTestFinished(() => upstream.close());
  const { origin } = await listening((request, response) => {
    request.resume();
    upstream.pass(request, response, BODY, (result) => results.push(result));
  });
  return { origin, told, results, upstream };
}

describe('a request that is passed on', () => {
  it('arrives as it is, without what describes its connection, and its answer comes back', async () => {
    let seen: unknown;
    const { origin: endpoint } = await listening(async (request, response) => {
      const { method, url, headers } = request;
      seen = { method, url, headers, body: await text(request) };
      response.writeHead(203, { 'x-answer': 'a', 'keep-alive': 'timeout=99' });
      // Its first bytes are with the caller before the last ones leave.
      response.write('é', () => setImmediate(() => response.end('!')));
    });
    const { origin, told, results } = await serverBefore(`${endpoint}/models/`);
    const { host } = new URL(endpoint);
    const answer = await fetch(`${origin}/one?a=b`, { method: 'PUT', headers: { 'x-mine': 'm' }, body: 'x' });
    expect(seen).toMatchObject({
      method: 'PUT',
      url: '/models/one?a=b',
      headers: { host, 'x-mine': 'm', 'content-length': String(BODY.length) },
      body: String(BODY),
    });
    expect([answer.status, answer.headers.get('x-answer'), await answer.text()]).toEqual([203, 'a', 'é!']);
    expect(answer.headers.get('keep-alive')).not.toBe('timeout=99');
    await expect.poll(() => results).toEqual([{ requestBytes: BODY.length, responseBytes: 3 }]);
    expect(told).toEqual([]);
  });

  it.each([
    [399, []],
    [400, ['why']],
    [500, ['why']],
  ])('is told of where its answer has the status %i: %j', async (status, said) => {
    const { origin: endpoint } = await listening((request, response) => {
      request.resume();
      response.writeHead(status).end('why');
    });
    const { origin, told } = await serverBefore(endpoint);
    const answer = await fetch(origin);
    expect([answer.status, await answer.text()]).toEqual([status, 'why']);
    expect(told).toEqual(said);
  });

  it('is answered 503 where nobody is', async () => {
    const { server, origin: endpoint } = await listening(() => {});
    server.close();
    await once(server, 'close');
    const { origin, results } = await serverBefore(endpoint);
    expect((await fetch(origin)).status).toBe(503);
    await expect.poll(() => results).toHaveLength(1);
  });

  it('breaks off where its answer breaks off: a part is not taken for the whole', async () => {
    const { origin: endpoint } = await listening((request, response) => {
      request.resume();
      response.writeHead(200, { 'content-length': 10 });
      response.write('part', () => response.destroy());
    });
    const { origin } = await serverBefore(endpoint);
    await expect(fetch(origin).then((answer) => answer.text())).rejects.toThrow();
  });

  it('is given up when its sender leaves', async () => {
    const came = Promise.withResolvers<void>();
    const left = Promise.withResolvers<void>();
    const { origin: endpoint } = await listening((request, response) => {
      request.resume();
      response.once('close', () => left.resolve());
      came.resolve();
    });
    const { origin, results } = await serverBefore(endpoint);
    const request = sendRequest(origin).on('error', () => {});
    request.end();
    await came.promise;
    request.destroy();
    await left.promise;
    await expect.poll(() => results).toHaveLength(1);
  });
});

it('no connection of an upstream stays after its end', async () => {
  const { server, origin: endpoint } = await listening((request, response) => {
    request.resume();
    response.end();
  });
  const { origin, upstream } = await serverBefore(endpoint);
  await (await fetch(origin)).text();
  upstream.close();
  const open = () => new Promise((resolve) => server.getConnections((_, count) => resolve(count)));
  await expect.poll(open).toBe(0);
});
