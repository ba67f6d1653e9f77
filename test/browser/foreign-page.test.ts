import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { givenStack } from '../support/stack.ts';
import { describeInBrowser, launchBrowser } from './browser.ts';
import { type PageServer, servePages } from './page-server.ts';

/** What a page can try from a script: the socket, and requests with and without CORS. */
const ATTACK = `async ({ page, socket, table, tableName }) => {
  const opened = (url) => new Promise((resolve) => {
    const attempt = new WebSocket(url);
    attempt.onmessage = ({ data }) => resolve('heard ' + data);
    attempt.onopen = () => attempt.send('{"type":"sessions"}');
    attempt.onerror = () => resolve('refused');
  });
  const read = async (url, options) => {
    try {
      const answer = await fetch(url, options);
      return answer.type === 'opaque' ? 'opaque' : 'read ' + answer.status + ' ' + (await answer.text());
    } catch {
      return 'refused';
    }
  };
  const scan = {
    method: 'POST',
    headers: {
      'content-type': 'application/x-amz-json-1.0',
      'x-amz-target': 'DynamoDB_20120810.Scan',
      authorization: 'AWS4-HMAC-SHA256 Credential=LOCALOPERATOR/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0',
    },
    body: JSON.stringify({ TableName: tableName }),
  };
  return {
    socket: await opened(socket),
    page: await read(page),
    config: await read(page + 'config.json', { mode: 'no-cors' }),
    table: await read(table, scan),
    tableThroughTheDoor: await read(page, scan),
  };
}`;

describeInBrowser('A page of another origin, in a browser on the same machine', () => {
  const stack = givenStack();
  let server: PageServer;
  let browser: Browser;
  beforeAll(async () => {
    browser = await launchBrowser();
    server = await servePages((_, response) =>
      response.writeHead(200, { 'content-type': 'text/html' }).end('<title>elsewhere</title>'),
    );
  });
  afterAll(async () => {
    await browser?.close();
    server?.close();
  });

  const targets = () => {
    const { url, pageUrl, dynamodb } = stack.cloud;
    return { socket: url, page: pageUrl, table: dynamodb.endpoint, tableName: dynamodb.tableName };
  };

  async function attack(from: string, on: ReturnType<typeof targets>): Promise<unknown> {
    const page = await browser.newPage();
    await page.goto(from);
    const outcome = await page.evaluate(`(${ATTACK})(${JSON.stringify(on)})`);
    await page.close();
    return outcome;
  }

  it('gets nothing: no connection, no answer of the page, nothing of the table', async () => {
    expect(await attack(`${server.origin}/`, targets())).toEqual({
      socket: 'refused',
      page: 'refused',
      // What no script can read. It is 403 (test/security/local-cloud.test.ts).
      config: 'opaque',
      table: 'refused',
      tableThroughTheDoor: 'refused',
    });
  });

  it('gets no further under a name of its own that leads to this machine', async () => {
    // A browser takes every name that ends with .localhost for this machine, as it takes the name of an attacker whose
    // name server says so.
    const rebound = (url: string) => url.replace('127.0.0.1', 'evil.localhost');
    const { socket, page, table, tableName } = targets();
    const answer = await attack(rebound(page), {
      socket: rebound(socket),
      page: rebound(page),
      table: rebound(table),
      tableName,
    });
    expect(answer).toEqual({
      socket: 'refused',
      page: expect.stringMatching(/^read 403 evil\.localhost:\d+ is not a name of this server\./),
      config: expect.stringMatching(/^read 403 /),
      table: 'refused',
      tableThroughTheDoor: expect.stringMatching(/^read 403 /),
    });
  });
});
