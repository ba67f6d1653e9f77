import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Principal } from '../../core/store/items.ts';
import { HandshakeRefused } from '../../protocol/waiting-client.ts';
import { end } from '../support/frames.ts';
import { type Stack, startStack } from '../support/stack.ts';
import { type ConnectOptions, connect } from '../support/ws-client.ts';
import { ATTACKS, AUDIENCE, goodClaims } from './attacks.ts';
import { type Claims, type Issuer, newKey, signedBy, startIssuer } from './issuer.ts';

/** Tokens of a real issuer, with real signatures, at the door of the product as it is deployed. */

const key = newKey('RS256', 'rsa');
const keys = [key, newKey('ES256', 'ec'), newKey('EdDSA', 'ed')];
const everSent: string[] = [];
const log: string[] = [];
let issuer: Issuer;
let stack: Stack;
let sessions = 0;

beforeAll(async () => {
  issuer = await startIssuer(keys);
  stack = await startStack({
    settings: {
      MIDTURN_AUTH: 'jwt',
      MIDTURN_JWT_ISSUER: issuer.url,
      MIDTURN_JWT_AUDIENCE: AUDIENCE,
    },
  });
});
afterEach(async ({ task }) => {
  const lines = stack.takeLog();
  if (task.result?.state === 'fail') console.error(lines.join('\n'));
  log.push(...lines);
  await stack.settleClients();
});
afterAll(async () => {
  await stack?.close();
  await issuer?.close();
});

/** Where a client may put its token. */
const places = {
  header: (token: string) => ({ headers: { Authorization: `Bearer ${token}` } }),
  subprotocol: (token: string) => ({ protocols: ['midturn.v1', `bearer.${token}`] }),
  query: (token: string) => ({ query: { token } }),
} satisfies Record<string, (token: string) => ConnectOptions & { query?: Record<string, string> }>;

async function refusal(options: ConnectOptions & { query?: Record<string, string> }): Promise<unknown> {
  const { query = {}, ...rest } = options;
  const parameters = new URLSearchParams({ session_id: 'refused', ...query });
  return connect(`${stack.cloud.url}?${parameters}`, rest).catch((error: unknown) => error);
}

function sent(token: string): string {
  everSent.push(token);
  return token;
}

const expect401 = (refused: unknown) => {
  expect(refused).toBeInstanceOf(HandshakeRefused);
  expect(refused).toMatchObject({ statusCode: 401 });
};

describe('a handshake is refused with 401 where its token is', () => {
  it.each(ATTACKS.filter(({ isKeyUnknown }) => !isKeyUnknown))('$name', async (attack) => {
    expect401(await refusal(places.header(sent(attack.token(issuer, key)))));
  });

  it('missing', async () => {
    expect401(await refusal({}));
  });

  it.each(Object.keys(places) as (keyof typeof places)[])('expired, in the %s', async (place) => {
    const token = sent(signedBy(key, goodClaims(issuer, { exp: 1 })));
    expect401(await refusal(places[place](token)));
  });

  it('bad in the place that counts, though a good one is in another', async () => {
    const [good, bad] = [signedBy(key, goodClaims(issuer)), signedBy(key, goodClaims(issuer, { exp: 1 }))];
    expect401(await refusal({ ...places.header(sent(bad)), ...places.query(sent(good)) }));
    expect401(await refusal({ protocols: [`bearer.${bad}`, `bearer.${good}`] }));
  });
});

it.each(ATTACKS.filter(({ isKeyUnknown }) => isKeyUnknown))(
  'a handshake is refused where its token is $name, with 500 if keys were just asked for in vain',
  async (attack) => {
    const refused = await refusal(places.header(sent(attack.token(issuer, key))));
    expect(refused).toBeInstanceOf(HandshakeRefused);
    expect([401, 500]).toContain((refused as HandshakeRefused).statusCode);
  },
);

describe('a handshake succeeds', () => {
  async function greeted(token: string, options: ConnectOptions & { query?: Record<string, string> }) {
    const client = await stack.connect(`s${++sessions}`, {
      ...options,
      principal: { tenant: 'acme', subject: 'ann' },
    });
    everSent.push(token);
    client.send({ type: 'connect' });
    await client.next('connected');
    return client;
  }

  it.each(Object.keys(places) as (keyof typeof places)[])('with a token in the %s', async (place) => {
    const token = signedBy(key, goodClaims(issuer));
    await greeted(token, places[place](token));
  });

  it.each(keys)('with a token signed by $alg', async (signing) => {
    const token = signedBy(signing, goodClaims(issuer));
    await greeted(token, places.header(token));
  });

  it.each<[string, Claims]>([
    ['one of several audiences', { aud: ['other', AUDIENCE] }],
    [
      'a client_id in place of the audience, as Cognito’s access tokens have',
      { aud: undefined, client_id: AUDIENCE },
    ],
  ])('with %s', async (_, more) => {
    const token = signedBy(key, goodClaims(issuer, more));
    await greeted(token, places.header(token));
  });

  it.each<[string, Principal]>([
    ['that spell separators', { tenant: 'a#b/c', subject: 'x%23#/=' }],
    ['with control characters and line breaks', { tenant: '\u0000\r\n\t', subject: '"\\\u001b[31m' }],
    ['as long as they may be', { tenant: '🙂'.repeat(64), subject: 'ä'.repeat(128) }],
  ])('P12: with names %s, and a turn runs in their own session', async (_, principal) => {
    stack.model.script([{ chunks: ['hello'] }]);
    const { tenant, subject } = principal;
    const token = signedBy(key, goodClaims(issuer, { tenant, sub: subject }));
    everSent.push(token);
    const session = 'x'.repeat(64);
    const client = await stack.connect(session, { ...places.header(token), principal });
    client.send({ type: 'message', content: 'hi', id: 'm'.repeat(64) });
    expect(await end(client)).toMatchObject({ type: 'done', full_response: 'hello' });
    expect(await stack.stored.lines(session, principal)).toEqual(['user: hi', 'assistant: hello']);
  });
});

describe('after all of that', () => {
  it('the keys were found through the discovery document, and kept', () => {
    expect(new Set(issuer.asked)).toEqual(
      new Set(['/realm/.well-known/openid-configuration', '/protocol/keys']),
    );
    // Each environment of the authorizer asks for itself; none asks for every token.
    expect(issuer.asked.length).toBeLessThan(everSent.length);
  });

  it('no log holds any part of any token', () => {
    expect(everSent.length).toBeGreaterThan(ATTACKS.length);
    expect(log.length).toBeGreaterThan(0);
    const text = log.join('\n');
    for (const part of everSent.flatMap((token) => token.split('.'))) {
      if (part.length >= 8) expect(text).not.toContain(part.slice(0, 16));
    }
    // How a JSON object begins in base64url: also one that was cut out of its token.
    expect(text).not.toContain('eyJ');
  });

  it('nothing that is stored holds any of them', async () => {
    const text = await stack.stored.everything();
    for (const token of everSent) expect(text).not.toContain(token.split('.').at(-1) || token);
    expect(text).not.toContain('eyJ');
  });
});
