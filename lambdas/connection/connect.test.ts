import type { APIGatewayProxyResultV2, Context } from 'aws-lambda';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { instrumentsOf } from '../../aws/cloudwatch/instruments.ts';
import { openerWith, SealError } from '../../aws/sealed-text.ts';
import { asConnectionId, asSessionId } from '../../core/ids.ts';
import { connectionKey, sessionKey, sessionOf, tokenKey } from '../../core/store/keys.ts';
import { tokenBinding } from '../../core/store/token-items.ts';
import { MAX_LABEL_LENGTH } from '../../protocol/limits.ts';
import { givenAws } from '../../test/support/aws-stand-in.ts';
import { newSealKeys } from '../../test/support/seal-keys.ts';
import { coreOf } from '../core-of.ts';

const keys = newSealKeys();
const aws = givenAws({
  MIDTURN_GREET_SILENT: 'true',
  MIDTURN_CONNECTIONS_PER_MINUTE: '3',
  MIDTURN_FORWARD_TOKEN_KEY: keys.publicKey,
});
let handle: (event: never, context: Context) => Promise<APIGatewayProxyResultV2>;
beforeAll(async () => {
  ({ handler: handle } = await import('./handler.ts'));
});

let tests = 0;
let id = '';
let subject = '';
beforeEach(() => {
  id = `c${++tests}`;
  subject = `ann-${tests}`;
});
afterEach(() => aws.reset());

interface Handshake {
  query?: Record<string, string> | null;
  headers?: Record<string, string>;
  authorizer?: object;
}

function arrive(eventType: 'CONNECT' | 'DISCONNECT', { query = {}, headers, authorizer }: Handshake = {}) {
  const requestContext = {
    eventType,
    requestId: 'r',
    connectionId: id,
    authorizer: authorizer ?? { tenant: 'acme', subject },
  };
  const event = { requestContext, queryStringParameters: query, ...(headers && { headers }) };
  return handle(event as never, { awsRequestId: 'r' } as Context);
}
const stored = () =>
  coreOf(process.env, instrumentsOf(process.env, 'connection')).store.get(connectionKey(asConnectionId(id)));

describe('$connect', () => {
  it('P12: makes a connection of the principal to the session that is named', async () => {
    const authorizer = { tenant: 'acme', subject, expires: '1800000000', claims: '{"plan":"gold"}' };
    expect(await arrive('CONNECT', { query: { session_id: 'mine', name: 'Ann' }, authorizer })).toEqual({
      statusCode: 200,
    });
    expect(await stored()).toMatchObject({
      principal: { tenant: 'acme', subject },
      sessionId: 'mine',
      name: 'Ann',
      tokenExpires: 1_800_000_000,
      claims: '{"plan":"gold"}',
    });
  });

  it.each([{}, null, { session_id: '' }])('makes a new session if none is named: %j', async (query) => {
    expect(await arrive('CONNECT', { query })).toEqual({ statusCode: 200 });
    expect((await stored())?.sessionId).toMatch(/^[\x21-\x7e]{1,64}$/);
  });

  it.each(['x'.repeat(65), 'two words', 'é', '__proto__', 'a\n'])(
    'refuses a session id that no item can have: %j',
    async (session_id) => {
      expect(await arrive('CONNECT', { query: { session_id } })).toEqual({ statusCode: 400 });
      expect(await stored()).toBeUndefined();
      expect(aws.logged).toMatchObject([{ level: 'WARN', requestId: 'r' }]);
    },
  );

  it.each<[string, string, string | undefined]>([
    ['as long as may be', 'n'.repeat(MAX_LABEL_LENGTH), 'n'.repeat(MAX_LABEL_LENGTH)],
    ['one longer', 'n'.repeat(MAX_LABEL_LENGTH + 1), 'n'.repeat(MAX_LABEL_LENGTH)],
    [
      'with a character across the limit',
      `${'n'.repeat(MAX_LABEL_LENGTH - 1)}😀`,
      'n'.repeat(MAX_LABEL_LENGTH - 1),
    ],
    ['with half a character', 'Ann\ud83d', 'Ann\ufffd'],
    ['that is empty', '', undefined],
  ])('keeps a name %s in whole characters', async (_, name, kept) => {
    await arrive('CONNECT', { query: { session_id: 's', name } });
    expect((await stored())?.name).toBe(kept);
  });

  it.each<[string | undefined, string | undefined]>([
    ['midturn.v1', 'midturn.v1'],
    ['bearer.abc,  midturn.v1', 'midturn.v1'],
    ['zeroclaw.v1, midturn.v1', 'midturn.v1'],
    ['zeroclaw.v1', 'zeroclaw.v1'],
    ['bearer.abc', undefined],
    [undefined, undefined],
  ])('of the subprotocols "%s" accepts %s', async (offered, chosen) => {
    const headers = offered === undefined ? {} : { 'sec-websocket-PROTOCOL': offered };
    expect(await arrive('CONNECT', { headers })).toEqual({
      statusCode: 200,
      ...(chosen && { headers: { 'Sec-WebSocket-Protocol': chosen } }),
    });
  });

  it.each([
    ['zeroclaw.v1', 1],
    ['bearer.abc', 1],
    ['bearer.abc, midturn.v1', 0],
  ])(
    'P9: has a silent client told of the session in its address after a while: offered "%s"',
    async (offered, greetings) => {
      const headers = { 'Sec-WebSocket-Protocol': offered };
      aws.reset();
      await arrive('CONNECT', { headers });
      expect(aws.sent).toEqual([]);
      await arrive('CONNECT', { headers, query: { session_id: 's' } });
      expect(aws.sent).toMatchObject(
        Array(greetings).fill({
          queue: 'deadlines',
          body: JSON.stringify({ greeting: { connection: id } }),
          delaySeconds: 2,
        }),
      );
    },
  );

  it('fails if the client cannot be told later: it tries again', async () => {
    aws.refuse('SendMessage');
    await expect(arrive('CONNECT', { query: { session_id: 's' } })).rejects.toThrow();
  });

  it('refuses a session that is half a fork with 409, until it is whole', async () => {
    const { store } = coreOf(process.env, instrumentsOf(process.env, 'connection'));
    await arrive('CONNECT', { query: { session_id: 'copy' } });
    const key = sessionKey(sessionOf({ tenant: 'acme', subject }, asSessionId('copy')));
    const whole = await store.get(key);
    if (!whole) throw new Error('no session');
    const { queue: _, audience: __, ...half } = whole;
    await store.put(key, { ...half, copying: {} } as never);
    id = `${id}-late`;
    expect(await arrive('CONNECT', { query: { session_id: 'copy' } })).toEqual({ statusCode: 409 });
    expect(await stored()).toBeUndefined();
    await store.put(key, whole);
    expect(await arrive('CONNECT', { query: { session_id: 'copy' } })).toEqual({ statusCode: 200 });
  });

  it('fails if the connection cannot be stored: API Gateway refuses the handshake, and the client tries again', async () => {
    aws.refuse('PutItem');
    await expect(arrive('CONNECT')).rejects.toThrow();
  });
});

describe('the token of a handshake', () => {
  const kept = () =>
    coreOf(process.env, instrumentsOf(process.env, 'connection')).store.get(tokenKey(asConnectionId(id)));

  it('is kept sealed for this connection, until it expires, and is removed with the connection', async () => {
    const expires = Math.floor(Date.now() / 1000) + 600;
    const authorizer = { tenant: 'acme', subject, expires: String(expires) };
    await arrive('CONNECT', { headers: { Authorization: 'Bearer a.user.token' }, authorizer });
    const item = await kept();
    expect(item).toMatchObject({ tokenExpires: expires, expires });
    expect(JSON.stringify([item, await stored()])).not.toContain('user');
    const open = openerWith(keys.privateKey);
    const place = (of: string) =>
      tokenBinding(asConnectionId(id), { tenant: 'acme', subject: of }, item ?? {});
    expect(open(item?.sealed ?? '', place(subject))).toBe('a.user.token');
    expect(() => open(item?.sealed ?? '', place('bob'))).toThrow(SealError);
    await arrive('DISCONNECT');
    expect(await kept()).toBeUndefined();
  });

  it('is not kept where there is none', async () => {
    await arrive('CONNECT');
    expect(await kept()).toBeUndefined();
    expect(await stored()).not.toHaveProperty('keepsToken');
  });
});

describe('the rate of connections', () => {
  const connects = async (authorizer?: object) => {
    const answers: unknown[] = [];
    for (let n = 0; n < 4; n++) {
      id = `c${++tests}`;
      answers.push((await arrive('CONNECT', authorizer ? { authorizer } : {})) as { statusCode: number });
    }
    return answers.map((answer) => (answer as { statusCode: number }).statusCode);
  };

  it('is limited: the one above is refused with 429 and counted', async () => {
    expect(await connects()).toEqual([200, 200, 200, 429]);
    expect(await stored()).toBeUndefined();
    expect(aws.measured).toMatchObject([{ Refused: 1 }]);
  });

  it('of clients that share a principal is counted by address, and without an address not at all', async () => {
    const shared = { tenant: 'acme', subject, shared: 'true' };
    expect(await connects(shared)).toEqual([200, 200, 200, 200]);
    expect(await connects({ ...shared, address: '192.0.2.7' })).toEqual([200, 200, 200, 429]);
  });

  it('that cannot be counted is refused: a client tries again', async () => {
    aws.refuse('UpdateItem');
    expect(await arrive('CONNECT')).toEqual({ statusCode: 429 });
    expect(aws.logged).toMatchObject([{ level: 'WARN', message: 'rate not counted' }]);
  });
});

describe('$disconnect', () => {
  it('removes the connection, and says nothing of one that is gone', async () => {
    await arrive('CONNECT');
    expect(await stored()).toBeDefined();
    for (let n = 0; n < 2; n++) expect(await arrive('DISCONNECT')).toEqual({ statusCode: 200 });
    expect(await stored()).toBeUndefined();
  });

  it('fails if the table does, so that Lambda counts it', async () => {
    aws.refuse('GetItem');
    await expect(arrive('DISCONNECT')).rejects.toThrow();
  });
});
