import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, describe, expect, it } from 'vitest';
import { SecretError } from '../../core/secret-error.ts';
import { readSecret } from './secrets.ts';

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

const running: (() => Promise<void>)[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((stop) => stop()));
});

/** The real client against a server that speaks the service's protocol. */
async function given(status: number, body: unknown) {
  const requests: { target: unknown; body: string }[] = [];
  const answer: Answer = async (request, response) => {
    requests.push({ target: request.headers['x-amz-target'], body: await text(request) });
    response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' });
    response.end(typeof body === 'string' ? body : JSON.stringify(body));
  };
  const server = createServer(answer);
  // Connections end only when the client ends them.
  server.keepAliveTimeout = 0;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  running.push(
    () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  );
  const config = {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    maxAttempts: 1,
  };
  const connections = () =>
    new Promise<number>((resolve, reject) => {
      server.getConnections((error, count) => (error ? reject(error) : resolve(count)));
    });
  return { requests, config, connections };
}

const failureOf = (reading: Promise<string>) =>
  reading.then(
    () => undefined,
    (error: unknown) => error as SecretError,
  );

describe('a secret', () => {
  it('is read as it is, but for white space around it', async () => {
    const { requests, config } = await given(200, { SecretString: 'sk-abc=/+\n' });
    expect(await readSecret('team/model-key', config)).toBe('sk-abc=/+');
    expect(requests).toEqual([
      { target: 'secretsmanager.GetSecretValue', body: JSON.stringify({ SecretId: 'team/model-key' }) },
    ]);
  });

  it('that may not be read is named, with the kind of the refusal', async () => {
    const { config } = await given(400, { __type: 'AccessDeniedException', Message: 'user x may not' });
    const error = await failureOf(readSecret('team/model-key', config));
    expect(error).toBeInstanceOf(SecretError);
    expect(error?.message).toBe('The secret team/model-key cannot be read: AccessDeniedException.');
  });

  it.each([
    ['is empty', { SecretString: ' \n' }],
    ['is binary', { SecretBinary: 'c2VjcmV0' }],
  ])('that %s is refused', async (_, body) => {
    const { config } = await given(200, body);
    const error = await failureOf(readSecret('team/model-key', config));
    expect(error?.message).toBe('The secret team/model-key holds no text.');
  });

  it.each([
    ['is read', 200, { SecretString: 'text' }],
    ['cannot be read', 400, { __type: 'ResourceNotFoundException' }],
  ])('that %s leaves no connection open: it is asked for once in minutes', async (_, status, body) => {
    const { config, connections } = await given(status, body);
    await failureOf(readSecret('team/model-key', config));
    await expect.poll(connections).toBe(0);
  });

  it('is in no error, not even of an answer that breaks off in the middle of it', async () => {
    const { config } = await given(200, '{"SecretString":"hunter2');
    const error = await failureOf(readSecret('team/model-key', config));
    expect(error).toBeInstanceOf(SecretError);
    expect(`${error?.message} ${error?.stack} ${String(error?.cause)}`).not.toContain('hunter2');
  });
});
