import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { synthesize } from '../infra/testing.ts';
import { temporaryFolder } from '../test/support/temporary-folder.ts';
import { createPageHandler } from './page.ts';

async function answerOf(
  folder: string,
  path: string,
  method = 'GET',
): Promise<{ answer: IncomingMessage; body: string }> {
  const page = createPageHandler(folder, '/local');
  const server = createServer((request, response) => void page(request, response)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  // Not fetch, which would tidy the path up.
  const [answer] = await once(
    request({ port, host: '127.0.0.1', path, method, agent: false }).end(),
    'response',
  );
  let body = '';
  for await (const part of answer) body += part;
  server.close();
  return { answer, body };
}

async function get(folder: string, path: string): Promise<{ status: number | undefined; body: string }> {
  const { answer, body } = await answerOf(folder, path);
  return { status: answer.statusCode, body };
}

async function builtPage(): Promise<string> {
  const parent = temporaryFolder();
  await writeFile(join(parent, 'secret.txt'), 'secret');
  const folder = join(parent, 'dist');
  await mkdir(folder);
  await writeFile(join(folder, 'index.html'), '<page>');
  await writeFile(join(folder, 'app.js'), 'script');
  return folder;
}

it('serves files as they are, and the page at every address of its own', async () => {
  const folder = await builtPage();
  expect(await get(folder, '/app.js?v=1')).toEqual({ status: 200, body: 'script' });
  expect(await get(folder, '/')).toEqual({ status: 200, body: '<page>' });
  expect(await get(folder, '/sessions/7')).toEqual({ status: 200, body: '<page>' });
  expect((await get(folder, '/missing.js')).status).toBe(404);
});

it.each([
  ['/app.js', 'text/javascript; charset=utf-8', 'script'],
  ['/data.bin', 'application/octet-stream', 'bytes'],
  ['/config.json', 'application/json', '{"url":"/local"}'],
  ['/', 'text/html; charset=utf-8', '<page>'],
  ['/old.html', 'text/html; charset=utf-8', '<page>'],
])('sends %s as %s, to be asked for again each time', async (path, type, content) => {
  const folder = await builtPage();
  await writeFile(join(folder, 'data.bin'), 'bytes');
  const { answer, body } = await answerOf(folder, path);
  expect([answer.headers['content-type'], answer.headers['cache-control'], body]).toEqual([
    type,
    'no-cache',
    content,
  ]);
  const head = await answerOf(folder, path, 'HEAD');
  expect([head.answer.headers['content-type'], head.body]).toEqual([type, '']);
});

it.each(['POST', 'PUT', 'DELETE', 'OPTIONS'])('takes no %s', async (method) => {
  const { answer, body } = await answerOf(await builtPage(), '/', method);
  expect([answer.statusCode, JSON.parse(body)]).toEqual([405, { message: 'Method Not Allowed' }]);
});

it('names the WebSocket in config.json, as a deployment does, for a page of one’s own too', async () => {
  const folder = await builtPage();
  expect(await get(folder, '/config.json')).toEqual({ status: 200, body: '{"url":"/local"}' });
  await writeFile(join(folder, 'config.json'), '{"url":"wss://elsewhere.example"}');
  expect(await get(folder, '/config.json')).toEqual({ status: 200, body: '{"url":"/local"}' });
});

it('serves nothing outside its folder', async () => {
  const folder = await builtPage();
  // A folder beside it, whose name begins as its own.
  await mkdir(`${folder}2`);
  await writeFile(`${folder}2/secret.txt`, 'secret');
  const paths = [
    '/../secret.txt',
    '/%2e%2e/secret.txt',
    '/..%2fsecret.txt',
    '//secret.txt',
    '/..%2fdist2/secret.txt',
  ];
  for (const path of paths) expect((await get(folder, path)).body, path).not.toContain('secret');
  for (const path of ['/..%2fsecret.txt', '/..%2fdist2/secret.txt', '/%ff'])
    expect((await get(folder, path)).status, path).toBe(400);
});

it('says how to build the page when it is not', async () => {
  const folder = temporaryFolder();
  expect(await get(folder, '/')).toMatchObject({
    status: 503,
    body: expect.stringContaining('npm run build'),
  });
});

it.each(['/', '/app.js', '/missing.js'])('serves %s with the headers of a deployment', async (path) => {
  const domain = {
    name: 'chat.example.com',
    certificateArn: 'arn:aws:acm:eu-west-1:111122223333:certificate/c',
  };
  const [policy] = Object.values(
    synthesize({ page: true, domain, fileBytes: 0 }).findResources('AWS::CloudFront::ResponseHeadersPolicy'),
  );
  const { answer } = await answerOf(await builtPage(), path);
  const { headers } = answer;
  expect(policy?.Properties.ResponseHeadersPolicyConfig.SecurityHeadersConfig).toEqual({
    ContentSecurityPolicy: {
      ContentSecurityPolicy: String(headers['content-security-policy']).replace(
        /ws:\/\/127\.0\.0\.1:\d+\/local/,
        'wss://chat.example.com',
      ),
      Override: true,
    },
    ContentTypeOptions: { Override: true },
    FrameOptions: { FrameOption: headers['x-frame-options'], Override: true },
    ReferrerPolicy: { ReferrerPolicy: headers['referrer-policy'], Override: true },
    // Not without TLS.
    StrictTransportSecurity: expect.anything(),
  });
  expect(headers['x-content-type-options']).toBe('nosniff');
  expect(headers).not.toHaveProperty('strict-transport-security');
});
