import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../test/support/temporary-folder.ts';
import { createPageHandler } from './page.ts';

async function get(folder: string, path: string): Promise<{ status: number | undefined; body: string }> {
  const page = createPageHandler(folder);
  const server = createServer((request, response) => void page(request, response)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  // Not fetch, which would tidy the path up.
  const [response] = await once(request({ port, host: '127.0.0.1', path, agent: false }).end(), 'response');
  let body = '';
  for await (const part of response) body += part;
  server.close();
  return { status: response.statusCode, body };
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

it('serves nothing outside its folder', async () => {
  const folder = await builtPage();
  for (const path of ['/../secret.txt', '/%2e%2e/secret.txt', '/..%2fsecret.txt', '//secret.txt']) {
    expect((await get(folder, path)).body).not.toBe('secret');
  }
});

it('says how to build the page when it is not', async () => {
  const folder = temporaryFolder();
  expect(await get(folder, '/')).toMatchObject({
    status: 503,
    body: expect.stringContaining('npm run build'),
  });
});
