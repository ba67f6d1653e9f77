import { afterEach, describe, expect, it } from 'vitest';
import { readJwtSettings } from '../../config/settings/authentication.ts';
import { type Environment, SettingError } from '../../config/settings/setting.ts';
import { IssuerError } from '../../lambdas/authorizer/issuer.ts';
import { jwtVerifier } from '../../lambdas/authorizer/jwt.ts';
import { verifier as verifierWith } from '../../lambdas/authorizer/verify.ts';
import { ATTACKS, AUDIENCE, goodClaims } from './attacks.ts';
import { type Claims, type Issuer, newKey, signedBy, startIssuer } from './issuer.ts';

/** JWTs need no secret, so none is kept. */
const verifier = (env: Environment) =>
  verifierWith(env, {
    keptLast: (error) => {
      throw error;
    },
  });

const running: Issuer[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((issuer) => issuer.close()));
});

async function given(settings: Environment = {}) {
  const key = newKey();
  const issuer = await startIssuer([key]);
  running.push(issuer);
  const verify = verifier({
    MIDTURN_AUTH: 'jwt',
    MIDTURN_JWT_ISSUER: issuer.url,
    MIDTURN_JWT_AUDIENCE: AUDIENCE,
    ...settings,
  });
  const token = (more: Claims = {}, signing = key) => signedBy(signing, goodClaims(issuer, more));
  return { issuer, key, verify, token };
}

const ANN = { tenant: 'acme', subject: 'ann' };

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
    const { issuer, verify, token } = await given();
    await verify(token());
    for (let n = 0; n < 5; n++) expect(await verify(token({}, newKey('EdDSA')))).toBeUndefined();
    expect(issuer.asked.filter((path) => path === '/protocol/keys')).toHaveLength(2);
    expect(await verify(token())).toEqual(ANN);
  });

  it('are trusted for an hour at most after the issuer has withdrawn them', async () => {
    const { issuer, token } = await given();
    let time = 0;
    const settings = readJwtSettings({ MIDTURN_JWT_ISSUER: issuer.url, MIDTURN_JWT_AUDIENCE: AUDIENCE });
    const verify = jwtVerifier(settings, () => time);
    expect(await verify(token())).toEqual(ANN);
    issuer.keys.splice(0, 1, newKey());
    time = 3_600_000;
    expect(await verify(token())).toBeUndefined();
  });

  it('come from where MIDTURN_JWT_JWKS_URI says, without discovery', async () => {
    const { issuer, key, token } = await given();
    const verify = verifier({
      MIDTURN_AUTH: 'jwt',
      MIDTURN_JWT_ISSUER: issuer.url,
      MIDTURN_JWT_AUDIENCE: AUDIENCE,
      MIDTURN_JWT_JWKS_URI: issuer.keysUrl,
    });
    expect(await verify(token({}, key))).toEqual(ANN);
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
    ['is nothing that a token does not hold itself', 'constructor.name', {}, 'default'],
  ])('%s', async (_, claim, more, tenant) => {
    const { verify, token } = await given({ MIDTURN_JWT_TENANT_CLAIM: claim });
    expect(await verify(token(more))).toEqual({ tenant, subject: 'ann' });
  });
});

describe('settings', () => {
  it.each([
    [{ MIDTURN_JWT_ISSUER: 'http://issuer.example' }, 'MIDTURN_JWT_ISSUER'],
    [{ MIDTURN_JWT_ISSUER: 'issuer.example' }, 'MIDTURN_JWT_ISSUER'],
    [{ MIDTURN_JWT_JWKS_URI: 'http://127.0.0.1.example/keys' }, 'MIDTURN_JWT_JWKS_URI'],
    [{ MIDTURN_JWT_AUDIENCE: '' }, 'MIDTURN_JWT_AUDIENCE'],
  ])('%o are refused by name', (settings, name) => {
    const all = {
      MIDTURN_AUTH: 'jwt',
      MIDTURN_JWT_ISSUER: 'https://issuer.example/realm',
      MIDTURN_JWT_AUDIENCE: AUDIENCE,
    };
    expect(() => verifier(all)).not.toThrow();
    expect(() => verifier({ ...all, ...settings })).toThrow(SettingError);
    expect(() => verifier({ ...all, ...settings })).toThrow(name);
  });
});
