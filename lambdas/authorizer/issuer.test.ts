import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { discoverKeys, fetchDocument, IssuerError } from './issuer.ts';

type Answer = (response: ServerResponse) => void;

const asked: string[] = [];
let stop: () => Promise<void> = async () => {};
afterEach(async () => {
  asked.length = 0;
  await stop();
});

/** An issuer that answers so, one request after the other, and then no more. Gives its address. */
async function given(...answers: Answer[]): Promise<string> {
  const server = createServer((request, response) => {
    asked.push(request.url ?? '');
    const answer = answers.shift();
    if (answer) answer(response);
    else response.destroy();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  stop = () =>
    new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const says =
  (status: number, body: string, headers: Record<string, string> = {}): Answer =>
  (response) =>
    void response.writeHead(status, { connection: 'close', ...headers }).end(body);
const breaks: Answer = (response) => void response.destroy();
const isSilent: Answer = () => {};
const textOf = async (url: string) => new TextDecoder().decode(await fetchDocument(url));

describe('a document of the issuer', () => {
  it.each([
    ['whose connection was dead', breaks],
    ['that does not come in time', isSilent],
  ])('%s is asked for once more', async (_, first) => {
    expect(await textOf(await given(first, says(200, 'keys')))).toBe('keys');
    expect(asked).toHaveLength(2);
  });

  it('that cannot be had twice is an error of the issuer’s, which names the address alone', async () => {
    const url = await given(breaks, breaks, says(200, 'too late'));
    const failure = fetchDocument(url);
    await expect(failure).rejects.toThrow(IssuerError);
    await expect(failure).rejects.toThrow(`${url} cannot be reached`);
    expect(asked).toHaveLength(2);
  });

  it('costs its function less than half of its ten seconds: discovery and keys are two', async () => {
    const limits = vi.spyOn(AbortSignal, 'timeout');
    await expect(fetchDocument(await given(breaks, breaks))).rejects.toThrow('cannot be reached');
    expect(limits).toHaveBeenCalledTimes(2);
    expect(limits.mock.calls.flat().reduce((sum, ms) => sum + ms)).toBeLessThan(5000);
    limits.mockRestore();
  });

  it('whose second answer is an error says which', async () => {
    await expect(fetchDocument(await given(breaks, says(503, 'busy')))).rejects.toThrow('answered 503');
  });

  it.each([201, 204, 304, 404, 500, 503])(
    'with status %d is none, and is not asked for again',
    async (status) => {
      const url = await given(says(status, ''), says(200, 'keys'));
      await expect(fetchDocument(url)).rejects.toThrow(new IssuerError(`${url} answered ${status}`));
      expect(asked).toHaveLength(1);
    },
  );

  it('is not fetched from where a redirect leads', async () => {
    const redirect = says(302, '', { location: '/elsewhere' });
    await expect(fetchDocument(await given(redirect, redirect))).rejects.toThrow(IssuerError);
    expect(asked).not.toContain('/elsewhere');
  });

  it.each(['http://issuer.example/keys', 'ftp://127.0.0.1/keys', 'keys'])(
    'is not asked for over an open line: %s',
    async (url) => {
      await expect(fetchDocument(url)).rejects.toThrow(new IssuerError(`${url} is no https URL`));
    },
  );
});

describe('the address of the keys', () => {
  it('stands in the discovery document of this very issuer, with or without a slash at its end', async () => {
    for (const end of ['', '/']) {
      let issuer = '';
      issuer = `${await given((response) => says(200, JSON.stringify({ issuer, jwks_uri: 'k' }))(response))}/realm${end}`;
      expect(await discoverKeys(issuer)).toBe('k');
      expect(asked).toEqual(['/realm/.well-known/openid-configuration']);
      await stop();
      asked.length = 0;
    }
  });

  it.each([
    ['another issuer’s', '{"issuer":"https://evil.example","jwks_uri":"https://evil.example/keys"}'],
    ['nobody’s', '{"jwks_uri":"https://evil.example/keys"}'],
    ['no JSON', 'We are back soon.'],
    ['no object', '"keys"'],
    ['null', 'null'],
  ])('is not read from a document that is %s', async (_, body) => {
    const issuer = await given(says(200, body));
    await expect(discoverKeys(issuer)).rejects.toThrow(/is not a document of/);
    await expect(discoverKeys(issuer)).rejects.toThrow(IssuerError);
  });

  it.each([undefined, null, 7, ['https://issuer.example/keys'], {}])(
    'is a text, and not %j',
    async (jwks_uri) => {
      let issuer = '';
      issuer = await given((response) => says(200, JSON.stringify({ issuer, jwks_uri }))(response));
      await expect(discoverKeys(issuer)).rejects.toThrow(/names no jwks_uri$/);
    },
  );
});
