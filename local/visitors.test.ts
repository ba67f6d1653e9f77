import type { IncomingMessage } from 'node:http';
import { expect, it } from 'vitest';
import { createVisitors } from './visitors.ts';

function given(origins: readonly string[] = []) {
  const logs: string[] = [];
  const { refusal } = createVisitors({ port: 8787, origins, log: ({ text }) => logs.push(text) });
  const ask = (headers: Record<string, string>, method = 'GET') =>
    refusal({ headers: { host: '127.0.0.1:8787', ...headers }, method } as unknown as IncomingMessage);
  return { ask, logs };
}

it.each([
  [{}, true],
  [{ host: 'localhost:1' }, true],
  [{ host: '[::1]:8787' }, true],
  [{ host: '' }, false],
  [{ host: 'app.example' }, false],
  [{ origin: 'http://127.0.0.1:8787' }, true],
  // A tunnel's port, which the browser names in both.
  [{ host: 'localhost:9000', origin: 'http://localhost:9000' }, true],
  [{ origin: 'http://127.0.0.1:9000' }, false],
  [{ origin: 'null' }, false],
  [{ 'sec-fetch-site': 'same-origin' }, true],
  [{ 'sec-fetch-site': 'none' }, true],
  [{ 'sec-fetch-site': 'cross-site' }, false],
  [{ 'sec-fetch-site': 'same-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' }, true],
  [{ 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'iframe' }, false],
  [{ 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'document' }, false],
])('a request with %j is answered: %s', (headers, answered) => {
  expect(given().ask(headers as Record<string, string>) === undefined).toBe(answered);
});

it('a form that another page sends is refused, though it opens a tab', () => {
  const headers = {
    'sec-fetch-site': 'cross-site',
    'sec-fetch-mode': 'navigate',
    'sec-fetch-dest': 'document',
  };
  expect(given().ask(headers, 'POST')).toBeDefined();
});

it('the host and the origin of a page that is let in are names of the server', () => {
  const { ask } = given(['https://app.example']);
  expect(ask({ host: 'app.example', origin: 'https://app.example' })).toBeUndefined();
  expect(ask({ origin: 'https://app.example' })).toBeUndefined();
  expect(ask({ host: 'app.example:8443' })).toBeDefined();
});

it('each refusal is in the log once, and whoever is refused cannot fill it', () => {
  const { ask, logs } = given();
  for (let round = 0; round < 2; round++)
    for (let n = 0; n < 101; n++) expect(ask({ host: `evil-${n}.example` })).toContain(`evil-${n}.example`);
  expect(logs).toHaveLength(100);
  expect(new Set(logs).size).toBe(100);
});
