import { once } from 'node:events';
import { type IncomingHttpHeaders, request } from 'node:http';
import { describe, expect, it } from 'vitest';
import { HandshakeRefused } from '../../protocol/waiting-client.ts';
import { end } from '../support/frames.ts';
import { givenStack } from '../support/stack.ts';
import { connect } from '../support/ws-client.ts';

/**
 * The developer's laptop: `npm start` runs, and a browser on the same machine has a page of somebody else open. A page
 * can send requests to any port of the machine, and by DNS rebinding under a name of its own.
 */

const DEV_SERVER = 'http://localhost:5173';
const FOREIGN = 'http://evil.example';

const stack = givenStack({
  origins: [DEV_SERVER],
});

/** Sends a request as a browser does, whose headers `fetch` of Node would not allow. */
async function ask(
  url: string,
  {
    method = 'GET',
    headers = {},
    body = '',
  }: { method?: string; headers?: Record<string, string>; body?: string } = {},
): Promise<{ status: number; headers: IncomingHttpHeaders; body: string }> {
  const sent = request(url, { method, headers, agent: false }).end(body);
  const [response] = await once(sent, 'response');
  let text = '';
  for await (const part of response) text += part;
  return { status: response.statusCode, headers: response.headers, body: text };
}

const handshake = (headers: Record<string, string>) =>
  connect(`${stack.cloud.url}?session_id=${stack.newSession()}`, { headers }).catch(
    (error: unknown) => error,
  );

const refused = (outcome: unknown) => {
  expect(outcome).toBeInstanceOf(HandshakeRefused);
  expect(outcome).toMatchObject({ statusCode: 403 });
};

describe('a page of another origin', () => {
  it.each([
    ['another site', FOREIGN],
    ['another port of this machine', 'http://localhost:9999'],
    ['a sandboxed frame or a file', 'null'],
    ['the same name over another protocol', 'https://127.0.0.1'],
  ])('opens no connection: %s', async (_, origin) => {
    refused(await handshake({ Origin: origin }));
  });

  it('reads nothing by HTTP, and is told no origin that may', async () => {
    const preflight = { Origin: FOREIGN, 'Access-Control-Request-Method': 'POST' };
    for (const answer of [
      await ask(stack.cloud.pageUrl, { headers: { Origin: FOREIGN } }),
      await ask(stack.cloud.pageUrl, { method: 'OPTIONS', headers: preflight }),
      // A request without CORS, as for an image or a script: a browser sends no origin with it.
      await ask(stack.cloud.pageUrl, {
        headers: { 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'no-cors' },
      }),
    ]) {
      expect(answer.status).toBe(403);
      expect(answer.headers).not.toHaveProperty('access-control-allow-origin');
    }
  });

  it('is told which setting lets a page of one’s own in', async () => {
    const { body } = await ask(stack.cloud.pageUrl, { headers: { Origin: FOREIGN } });
    expect(body).toContain(FOREIGN);
    expect(body).toContain('MIDTURN_LOCAL_ORIGINS');
  });
});

describe('a name of somebody else that leads to this machine (DNS rebinding)', () => {
  it.each(['evil.example', 'localhost.evil.example', '0.0.0.0', '127.0.0.1.evil.example'])(
    'is no way in: %s',
    async (name) => {
      const Host = `${name}:${new URL(stack.cloud.pageUrl).port}`;
      refused(await handshake({ Host }));
      // A page of that name has the origin of that name.
      refused(await handshake({ Host, Origin: `http://${Host}` }));
      expect((await ask(stack.cloud.pageUrl, { headers: { Host } })).status).toBe(403);
    },
  );
});

describe('who may come in', () => {
  const own = () => new URL(stack.cloud.pageUrl).port;

  it.each([
    ['the page itself', () => ({ Origin: `http://127.0.0.1:${own()}` })],
    [
      'the page by its other name',
      () => ({ Origin: `http://localhost:${own()}`, Host: `localhost:${own()}` }),
    ],
    ['a page of the setting', () => ({ Origin: DEV_SERVER })],
    [
      'a page of the setting, through a proxy that keeps its name',
      () => ({ Origin: DEV_SERVER, Host: 'localhost:5173' }),
    ],
    ['what is no browser', () => ({})],
  ])('%s', async (_, headers) => {
    stack.script([{ chunks: ['hello'] }]);
    const client = await stack.connect(stack.newSession(), { headers: headers() });
    client.send({ type: 'message', content: 'hi' });
    expect(await end(client)).toMatchObject({ type: 'done', full_response: 'hello' });
  });

  it('a link to the page', async () => {
    const headers = {
      'Sec-Fetch-Site': 'cross-site',
      'Sec-Fetch-Mode': 'navigate',
      'Sec-Fetch-Dest': 'document',
    };
    expect((await ask(stack.cloud.pageUrl, { headers })).status).not.toBe(403);
  });
});
