import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { expect, it, onTestFinished } from 'vitest';
import { newAccessKey } from './access-key.ts';
import { keepPrivate } from './private-port.ts';
import { sign } from './signature.ts';

const KEY = newAccessKey();
const PATH = '/a?b=c';

async function listening(listener: RequestListener) {
  const server = createServer(listener);
  const serve = keepPrivate(server, KEY, 'sqs', () => {});
  const open = createServer(serve);
  for (const one of [server, open]) {
    await new Promise<void>((resolve) => one.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => {
      one.closeAllConnections();
      one.close();
    });
  }
  const originOf = (one: typeof server) => `http://127.0.0.1:${(one.address() as AddressInfo).port}`;
  return { origin: originOf(server), elsewhere: originOf(open) };
}

/** A server that tells what it was asked. */
const given = () =>
  listening(async (request, response) => {
    response.end([request.method, request.url, await text(request)].join());
  });

const BODY = '{"sent":"€"}';
function signed(secret = KEY.secretAccessKey, id = KEY.accessKeyId, body = BODY) {
  const headers = { 'x-amz-date': '20260101T000000Z' };
  const parts = { date: '20260101', region: 'us-east-1', service: 'sqs', signedHeaders: ['x-amz-date'] };
  const signature = sign(secret, { method: 'POST', url: PATH, headers }, Buffer.from(body), parts);
  const scope = `${id}/20260101/us-east-1/sqs/aws4_request`;
  const authorization = `AWS4-HMAC-SHA256 Credential=${scope}, SignedHeaders=x-amz-date, Signature=${signature}`;
  return { ...headers, authorization };
}
const post = async (origin: string, headers: Record<string, string>) => {
  const answer = await fetch(origin + PATH, { method: 'POST', headers, body: BODY });
  return [answer.status, await answer.text()] as const;
};

it('the holder of the key reaches the server, with the body that was signed', async () => {
  const { origin } = await given();
  expect(await post(origin, signed())).toEqual([200, `POST,${PATH},${BODY}`]);
});

it.each([
  ['nobody', {}, 'MissingAuthenticationToken'],
  ['a stranger’s key', signed('secret', 'AKIASTRANGER'), 'UnrecognizedClient'],
  ['another secret', signed('secret'), 'InvalidSignature'],
  ['the signature of another body', signed(KEY.secretAccessKey, KEY.accessKeyId, '{}'), 'InvalidSignature'],
])('%s does not', async (_, headers, why) => {
  const { origin } = await given();
  const [status, said] = await post(origin, headers);
  expect([status, said]).toEqual([403, expect.stringContaining(why)]);
});

it('nor does a page in a browser, though it has the key', async () => {
  const { origin } = await given();
  const [status, said] = await post(origin, { ...signed(), origin: 'https://evil.example' });
  expect([status, said]).toEqual([403, expect.stringContaining('https://evil.example')]);
});

it('what was checked elsewhere is served as it is', async () => {
  const { elsewhere } = await given();
  expect(await post(elsewhere, {})).toEqual([200, `POST,${PATH},${BODY}`]);
});
