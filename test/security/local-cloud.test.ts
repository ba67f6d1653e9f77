import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdir, readdir, stat, writeFile } from 'node:fs/promises';
import { type IncomingHttpHeaders, request } from 'node:http';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { HandshakeRefused } from '../../protocol/waiting-client.ts';
import { startCloudProcess } from '../chaos/cloud-process.ts';
import { end } from '../support/frames.ts';
import { givenStack } from '../support/stack.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { LONG_TEST_MS } from '../support/timeouts.ts';
import { connect } from '../support/ws-client.ts';

/**
 * The developer's laptop: `npm start` runs, and a browser on the same machine has a page of somebody else open. A page
 * can send requests to any port of the machine, and by DNS rebinding under a name of its own.
 */

const DEV_SERVER = 'http://localhost:5173';
const FOREIGN = 'http://evil.example';
const SECRET = 'the-key-of-the-model';

const stack = givenStack({
  origins: [DEV_SERVER],
  settings: { MIDTURN_MODEL_API_KEY_SECRET: 'midturn/model-key' },
  secrets: { 'midturn/model-key': SECRET },
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

it(
  'the data folder is its owner’s alone, also one that an earlier version left open',
  async () => {
    const MIDTURN_DATA_DIR = join(temporaryFolder(), 'data');
    await mkdir(join(MIDTURN_DATA_DIR, 'tables'), { recursive: true, mode: 0o755 });
    await writeFile(join(MIDTURN_DATA_DIR, 'tables', 'LOG.old'), 'old', { mode: 0o644 });
    const cloud = await startCloudProcess({ PORT: '0', MIDTURN_DATA_DIR });
    try {
      const client = await connect(`${cloud.url}?session_id=kept`);
      client.send({ type: 'message', content: 'keep this' });
      await end(client);
      await client.close();
    } finally {
      await cloud.stop();
    }
    const modes = new Map<string, string>();
    const note = async (path: string) => modes.set(path, ((await stat(path)).mode & 0o777).toString(8));
    await note(MIDTURN_DATA_DIR);
    for (const entry of await readdir(MIDTURN_DATA_DIR, { recursive: true, withFileTypes: true })) {
      const path = join(entry.parentPath, entry.name);
      await note(path);
      expect([path, modes.get(path)]).toEqual([path, entry.isDirectory() ? '700' : '600']);
    }
    expect(modes.get(MIDTURN_DATA_DIR)).toBe('700');
    expect(modes.size).toBeGreaterThan(5);
  },
  LONG_TEST_MS,
);

describe('the ports of the services', () => {
  const scan = () => JSON.stringify({ TableName: stack.cloud.dynamodb.tableName });
  const signedBy = (accessKeyId: string, service: string) =>
    `AWS4-HMAC-SHA256 Credential=${accessKeyId}/20260101/us-east-1/${service}/aws4_request, SignedHeaders=host, Signature=0`;
  const dynamodb = (more: Record<string, string> = {}) => ({
    'Content-Type': 'application/x-amz-json-1.0',
    'X-Amz-Target': 'DynamoDB_20120810.Scan',
    Authorization: signedBy('LOCALOPERATOR', 'dynamodb'),
    ...more,
  });
  const sqs = (more: Record<string, string> = {}) => ({
    'Content-Type': 'application/x-amz-json-1.0',
    'X-Amz-Target': 'AmazonSQS.ListQueues',
    Authorization: signedBy('LOCALOPERATOR', 'sqs'),
    ...more,
  });

  it('give a page nothing: not the table, not the queues', async () => {
    const client = await stack.connect(stack.newSession());
    client.send({ type: 'connect' });
    await client.next('connected');
    const fromPage = { Origin: FOREIGN, 'Sec-Fetch-Site': 'cross-site' };
    for (const answer of [
      await ask(stack.cloud.dynamodb.endpoint, { method: 'POST', headers: dynamodb(fromPage), body: scan() }),
      await ask(stack.cloud.dynamodb.endpoint, { method: 'OPTIONS', headers: { Origin: FOREIGN } }),
      await ask(stack.cloud.dynamodb.endpoint, { headers: { Host: 'evil.example' } }),
      await ask(stack.cloud.sqs.endpoint, { method: 'POST', headers: sqs(fromPage), body: '{}' }),
    ]) {
      expect(answer.status).toBe(403);
      expect(answer.headers).not.toHaveProperty('access-control-allow-origin');
      expect(answer.body).not.toContain('SESSION#');
      expect(answer.body).not.toContain('QueueUrls');
    }
  });

  it('give nothing to a program that knows no key of this start', async () => {
    const table = await ask(stack.cloud.dynamodb.endpoint, {
      method: 'POST',
      headers: dynamodb(),
      body: scan(),
    });
    expect(table).toMatchObject({ status: 400, body: expect.stringContaining('UnrecognizedClient') });
    const queues = await ask(stack.cloud.sqs.endpoint, { method: 'POST', headers: sqs(), body: '{}' });
    expect(queues).toMatchObject({ status: 403, body: expect.not.stringContaining('QueueUrls') });
  });

  it('and read no secret for who knows the public name of a function', async () => {
    // What was once the access key of the turn function: its name in the template, which is public.
    const template = readFileSync(join(import.meta.dirname, '../../infra/template.snapshot.txt'), 'utf8');
    const [name] = /MidturnTurnFunction[0-9A-F]{8}/.exec(template) ?? [];
    const answer = await ask(stack.cloud.pageUrl, {
      method: 'POST',
      headers: {
        'Content-Type': 'application/x-amz-json-1.1',
        'X-Amz-Target': 'secretsmanager.GetSecretValue',
        Authorization: signedBy(`LOCAL${name?.toUpperCase()}`, 'secretsmanager'),
      },
      body: JSON.stringify({ SecretId: 'midturn/model-key' }),
    });
    expect(answer.status).toBe(400);
    expect(answer.body).not.toContain(SECRET);
  });
});
