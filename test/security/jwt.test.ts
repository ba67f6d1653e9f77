import { afterEach, describe, expect, it } from 'vitest';
import { type Environment, SettingError } from '../../config/settings/setting.ts';
import { epochMs } from '../../config/units.ts';
import { IssuerError } from '../../lambdas/authorizer/issuer.ts';
import { verifier } from '../../lambdas/authorizer/verify.ts';
import { ATTACKS, AUDIENCE, goodClaims } from './attacks.ts';
import { type Claims, type Issuer, newKey, signedBy, startIssuer } from './issuer.ts';

const running: Issuer[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((issuer) => issuer.close()));
});

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

async function given(settings: Environment = {}) {
  const key = newKey();
  const issuer = await startIssuer([key]);
  running.push(issuer);
  const time = { now: 0 };
  const kept: unknown[] = [];
  const verify = verifier(
    {
      MIDTURN_AUTH: 'jwt',
      MIDTURN_JWT_ISSUER: issuer.url,
      MIDTURN_JWT_AUDIENCE: AUDIENCE,
      ...settings,
    },
    {
      keptLast: (error) => void kept.push(error),
      clock: { now: () => epochMs(time.now), sleep: () => new Promise(() => {}) },
    },
  );
  const token = (more: Claims = {}, signing = key) => signedBy(signing, goodClaims(issuer, more));
  const keyReads = () => issuer.asked.filter((path) => path === '/protocol/keys').length;
  return {
    issuer,
    key,
    time,
    kept,
    token,
    keyReads,
    /** The principal, without the end of the token. */
    async verify(text: string) {
      const proven = await verify({ token: text, address: ADDRESS });
      return proven && { tenant: proven.tenant, subject: proven.subject };
    },
    context: (token: string) => verify({ token, address: ADDRESS }),
  };
}

const ADDRESS = '192.0.2.7';
const ANN = { tenant: 'acme', subject: 'ann' };

it('what is no token, or another issuer’s, is refused while the keys cannot be read, and does not ask for them', async () => {
  const { issuer, token, verify, keyReads } = await given({
    MIDTURN_JWT_JWKS_URI: 'http://127.0.0.1:9/keys',
  });
  expect(await verify('no.jwt.atall')).toBeUndefined();
  expect(await verify(token({ iss: 'https://issuer.test' }))).toBeUndefined();
  await expect(verify(token())).rejects.toThrow(IssuerError);
  expect(keyReads()).toBe(0);
  expect(issuer.asked).toEqual([]);
});

it('the end of a token is handed on, in whole seconds, as text', async () => {
  const { context, token } = await given();
  const exp = Math.floor(Date.now() / 1000) + 600;
  expect(await context(token({ exp: exp + 0.9 }))).toEqual({ ...ANN, expires: String(exp) });
});

describe('the keys of an issuer', () => {
  it('are asked for once, with the first token', async () => {
    const { issuer, verify, token } = await given();
    expect(issuer.asked).toEqual([]);
    for (let n = 0; n < 3; n++) expect(await verify(token({ jti: `t${n}` }))).toEqual(ANN);
    expect(issuer.asked).toEqual(['/realm/.well-known/openid-configuration', '/protocol/keys']);
  });

  it('are asked for again when a token names a new one', async () => {
    const { issuer, verify, token } = await given();
    await verify(token());
    const fresh = newKey('ES256');
    issuer.keys.push(fresh);
    expect(await verify(token({}, fresh))).toEqual(ANN);
    expect(issuer.asked.filter((path) => path === '/protocol/keys')).toHaveLength(2);
  });

  it('are not asked for with every unknown key: nobody can flood the issuer through us', async () => {
    const { verify, token, keyReads, time } = await given();
    await verify(token());
    expect(await verify(token({}, newKey('EdDSA')))).toBeUndefined();
    for (let n = 0; n < 5; n++) await expect(verify(token({}, newKey('EdDSA')))).rejects.toThrow(IssuerError);
    expect(keyReads()).toBe(2);
    expect(await verify(token())).toEqual(ANN);
    time.now += 10_000;
    expect(await verify(token({}, newKey('EdDSA')))).toBeUndefined();
    expect(keyReads()).toBe(3);
  });

  it('that are new are no reason to refuse a good token because of a stranger’s: it is not judged for ten seconds', async () => {
    const { issuer, verify, token, time } = await given();
    await verify(token());
    expect(await verify(token({}, newKey()))).toBeUndefined();
    const fresh = newKey();
    issuer.keys.push(fresh);
    await expect(verify(token({}, fresh))).rejects.toThrow(IssuerError);
    time.now += 10_000;
    expect(await verify(token({}, fresh))).toEqual(ANN);
  });

  it('are trusted for five minutes at most after the issuer has withdrawn them', async () => {
    const { issuer, verify, token, time } = await given();
    expect(await verify(token())).toEqual(ANN);
    issuer.keys.splice(0, 1, newKey());
    time.now = 5 * MINUTE - 1;
    expect(await verify(token())).toEqual(ANN);
    time.now = 5 * MINUTE;
    expect(await verify(token())).toBeUndefined();
  });

  it('that come under a known id are other keys', async () => {
    const { issuer, key, verify, token, time } = await given();
    expect(await verify(token())).toEqual(ANN);
    const other = newKey('RS256', key.kid);
    issuer.keys.splice(0, 1, other);
    time.now = 5 * MINUTE;
    expect(await verify(token())).toBeUndefined();
    expect(await verify(token({}, other))).toEqual(ANN);
  });

  it('that were read last are trusted for a day while the issuer does not answer, and no longer', async () => {
    const { issuer, kept, verify, token, time } = await given();
    expect(await verify(token())).toEqual(ANN);
    issuer.down = true;
    for (time.now = 5 * MINUTE; time.now < 24 * HOUR; time.now += HOUR) {
      expect(await verify(token())).toEqual(ANN);
    }
    expect(kept).toHaveLength(24);
    expect(kept[0]).toBeInstanceOf(IssuerError);
    // Whether the issuer has this key cannot be known.
    await expect(verify(token({}, newKey()))).rejects.toThrow(IssuerError);
    time.now = 24 * HOUR;
    await expect(verify(token())).rejects.toThrow(IssuerError);
    issuer.down = false;
    expect(await verify(token())).toEqual(ANN);
  });

  it('that cannot be read as keys are not taken: the last ones stay', async () => {
    const { issuer, kept, verify, token, time } = await given();
    expect(await verify(token())).toEqual(ANN);
    issuer.garbled = true;
    time.now = 5 * MINUTE;
    expect(await verify(token())).toEqual(ANN);
    expect(kept).toEqual([expect.any(IssuerError)]);
  });

  it('come from where MIDTURN_JWT_JWKS_URI says, without discovery', async () => {
    const { issuer, token } = await given();
    const verify = verifier(
      {
        MIDTURN_AUTH: 'jwt',
        MIDTURN_JWT_ISSUER: issuer.url,
        MIDTURN_JWT_AUDIENCE: AUDIENCE,
        MIDTURN_JWT_JWKS_URI: issuer.keysUrl,
      },
      { keptLast() {} },
    );
    expect(await verify({ token: token(), address: ADDRESS })).toMatchObject(ANN);
    expect(issuer.asked).toEqual(['/protocol/keys']);
  });

  it('that cannot be had condemn no token: nobody is judged, and the next call tries again', async () => {
    const { issuer, verify, token } = await given();
    issuer.down = true;
    await expect(verify(token())).rejects.toThrow(IssuerError);
    issuer.down = false;
    expect(await verify(token())).toEqual(ANN);
  });

  it.each<[string, Claims]>([
    ['of another issuer', { issuer: 'https://evil.example' }],
    ['without a place for keys', { jwks_uri: undefined }],
    ['whose keys come over an open line', { jwks_uri: 'http://keys.example/jwks' }],
  ])('are not taken from a discovery document %s', async (_, discovery) => {
    const { issuer, verify, token } = await given();
    issuer.discovery = discovery;
    await expect(verify(token())).rejects.toThrow(IssuerError);
    expect(issuer.asked).not.toContain('/protocol/keys');
  });
});

describe('an attack', () => {
  it.each(ATTACKS)('$name is refused without a word', async (attack) => {
    const { issuer, key, verify } = await given();
    expect(await verify(attack.token(issuer, key))).toBeUndefined();
  });

  it('by a token that is huge does not even ask for keys', async () => {
    const { issuer, verify, token } = await given();
    expect(await verify(token({ more: 'x'.repeat(8192) }))).toBeUndefined();
    expect(issuer.asked).toEqual([]);
  });
});

describe('the tenant', () => {
  it.each<[string, string | undefined, Claims, string]>([
    ['is the claim `tenant`', undefined, { tenant: 'acme' }, 'acme'],
    ['is `default` without that claim', undefined, { tenant: undefined }, 'default'],
    ['is a claim with a colon, as Cognito has them', 'custom:tenant', { 'custom:tenant': 'shop' }, 'shop'],
    ['is a claim that is a URL', 'https://a.example/tenant', { 'https://a.example/tenant': 'shop' }, 'shop'],
    ['is found along a path', 'app.org.tenant', { app: { org: { tenant: 'shop' } } }, 'shop'],
    ['is the claim as it is spelled before a path', 'a.b', { 'a.b': 'flat', a: { b: 'deep' } }, 'flat'],
  ])('%s', async (_, claim, more, tenant) => {
    const { verify, token } = await given({ MIDTURN_JWT_TENANT_CLAIM: claim });
    expect(await verify(token(more))).toEqual({ tenant, subject: 'ann' });
  });

  it.each<[string, string, Claims]>([
    ['is missing', 'custom:tenant', {}],
    ['is null', 'custom:tenant', { 'custom:tenant': null }],
    ['is found along a part of its path only', 'app.org', { app: 'acme' }],
    ['is named like what every object has', 'constructor.name', {}],
    ['is the usual one, and missing', 'tenant', { tenant: undefined }],
  ])('refuses a token in which the configured claim %s', async (_, claim, more) => {
    const { verify, token } = await given({ MIDTURN_JWT_TENANT_CLAIM: claim });
    expect(await verify(token(more))).toBeUndefined();
  });
});

describe('the claims for the agent’s code', () => {
  it('are those that the deployment names, by these names; the others stay unread', async () => {
    const { context, token } = await given({ MIDTURN_JWT_CLAIMS: 'email,app.roles,absent,constructor' });
    const proven = await context(
      token({ email: 'ann@example.com', app: { roles: ['a'], other: 1 }, phone: 1 }),
    );
    expect(JSON.parse(proven?.claims ?? '')).toEqual({ email: 'ann@example.com', 'app.roles': ['a'] });
  });

  it('are what the token says of them, also that there is nothing, and are no part of what every object has', async () => {
    const claims = 'plan,app.constructor,app.constructor.name,__proto__,nested.none,broken';
    const { context, token } = await given({ MIDTURN_JWT_CLAIMS: claims });
    const proven = await context(token({ plan: null, app: {}, nested: { none: null }, broken: 'a\ud83d' }));
    expect(proven?.claims).toBe('{"plan":null,"nested.none":null,"broken":"a\ufffd"}');
  });

  it('are none where the deployment names none', async () => {
    const { context, token } = await given();
    expect(await context(token({ email: 'ann@example.com' }))).not.toHaveProperty('claims');
  });

  it.each([
    [2047, 'x', true],
    [2048, 'x', true],
    [2049, 'x', false],
    [2048, '€', true],
    [2051, '€', false],
  ])('with %s bytes of UTF-8 as JSON (%s): judged is %s', async (bytes, letter, isJudged) => {
    const { context, token } = await given({ MIDTURN_JWT_CLAIMS: 'e' });
    const room = bytes - '{"e":""}'.length;
    const proving = context(token({ e: letter.repeat(room / Buffer.byteLength(letter)) }));
    if (isJudged) expect(Buffer.byteLength((await proving)?.claims ?? '')).toBe(bytes);
    else await expect(proving).rejects.toThrow(`MIDTURN_JWT_CLAIMS names have ${bytes} bytes`);
  });
});

describe('of Cognito', () => {
  const ID = { token_use: 'id' };
  const ACCESS = { token_use: 'access', aud: undefined, client_id: AUDIENCE };

  it.each<[string, string | undefined, Claims, boolean]>([
    ['an access token is accepted', undefined, ACCESS, true],
    ['an id token is accepted', undefined, ID, true],
    ['an id token is for its `aud` alone', undefined, { ...ACCESS, ...ID, aud: undefined }, false],
    ['an access token for another client is refused', undefined, { ...ACCESS, client_id: 'other' }, false],
    [
      'an access token for another resource is refused',
      undefined,
      { ...ACCESS, aud: 'https://other' },
      false,
    ],
    ['an access token is accepted where one is needed', 'access', ACCESS, true],
    ['an id token is refused where an access token is needed', 'access', ID, false],
    ['an id token is accepted where one is needed', 'id', ID, true],
    ['an access token is refused where an id token is needed', 'id', { ...ACCESS, aud: AUDIENCE }, false],
    ['a token of no kind is refused where an access token is needed', 'access', {}, false],
  ])('%s', async (_, kind, more, isAccepted) => {
    const { verify, token } = await given({ MIDTURN_JWT_TOKEN_USE: kind });
    expect(await verify(token(more))).toEqual(isAccepted ? ANN : undefined);
  });
});

describe('settings', () => {
  it.each([
    [{ MIDTURN_JWT_ISSUER: 'http://issuer.example' }, 'MIDTURN_JWT_ISSUER'],
    [{ MIDTURN_JWT_ISSUER: 'issuer.example' }, 'MIDTURN_JWT_ISSUER'],
    [{ MIDTURN_JWT_JWKS_URI: 'http://127.0.0.1.example/keys' }, 'MIDTURN_JWT_JWKS_URI'],
    [{ MIDTURN_JWT_AUDIENCE: '' }, 'MIDTURN_JWT_AUDIENCE'],
    [{ MIDTURN_JWT_TOKEN_USE: 'refresh' }, 'MIDTURN_JWT_TOKEN_USE'],
  ])('%o are refused by name', (settings, name) => {
    const all = {
      MIDTURN_AUTH: 'jwt',
      MIDTURN_JWT_ISSUER: 'https://issuer.example/realm',
      MIDTURN_JWT_AUDIENCE: AUDIENCE,
    };
    const made = (env: Environment) => () => verifier(env, { keptLast() {} });
    expect(made(all)).not.toThrow();
    expect(made({ ...all, ...settings })).toThrow(SettingError);
    expect(made({ ...all, ...settings })).toThrow(name);
  });
});
