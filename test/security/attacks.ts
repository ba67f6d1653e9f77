import {
  type Claims,
  encode,
  hmacBy,
  type Issuer,
  newKey,
  type SigningKey,
  signedBy,
  token,
} from './issuer.ts';

export const AUDIENCE = 'midturn-app';

const now = () => Math.floor(Date.now() / 1000);

/** What a token of this issuer holds that lets its bearer in. */
export const goodClaims = (issuer: Issuer, more: Claims = {}): Claims => ({
  iss: issuer.url,
  aud: AUDIENCE,
  sub: 'ann',
  tenant: 'acme',
  iat: now(),
  exp: now() + 600,
  ...more,
});

const without = (claims: Claims, name: string): Claims => {
  const { [name]: _, ...rest } = claims;
  return rest;
};

export interface Attack {
  name: string;
  /** It names a key that the issuer may have made a moment ago, as far as anybody can know. */
  isKeyUnknown?: true;
  token(issuer: Issuer, key: SigningKey): string;
}

const STRANGER = newKey('RS256', 'stranger');

/** Tokens that must not let anybody in. `key` is a valid RSA key of the issuer. */
export const ATTACKS: readonly Attack[] = [
  {
    name: 'expired',
    token: (issuer, key) => signedBy(key, goodClaims(issuer, { exp: now() - 5 })),
  },
  {
    name: 'not yet valid',
    token: (issuer, key) => signedBy(key, goodClaims(issuer, { nbf: now() + 300 })),
  },
  { name: 'without an end', token: (issuer, key) => signedBy(key, without(goodClaims(issuer), 'exp')) },
  {
    name: 'with an end that no clock reaches',
    token: (issuer, key) => signedBy(key, goodClaims(issuer, { exp: 1e30 })),
  },
  {
    name: 'of another issuer',
    token: (issuer, key) => signedBy(key, goodClaims(issuer, { iss: `${issuer.url}/` })),
  },
  { name: 'of no issuer', token: (issuer, key) => signedBy(key, without(goodClaims(issuer), 'iss')) },
  {
    name: 'for another audience',
    token: (issuer, key) => signedBy(key, goodClaims(issuer, { aud: ['other-app', `${AUDIENCE}2`] })),
  },
  { name: 'for no audience', token: (issuer, key) => signedBy(key, without(goodClaims(issuer), 'aud')) },
  {
    name: 'for another audience, with a client_id that would do',
    token: (issuer, key) => signedBy(key, goodClaims(issuer, { aud: 'other-app', client_id: AUDIENCE })),
  },
  {
    name: 'alg none, unsigned',
    token: (issuer, key) => token({ alg: 'none', kid: key.kid }, goodClaims(issuer), () => ''),
  },
  {
    name: 'alg none, with some signature',
    token: (issuer, key) => token({ alg: 'None', kid: key.kid }, goodClaims(issuer), hmacBy('x')),
  },
  {
    name: 'HS256 signed with the public key as PEM',
    token: (issuer, key) =>
      token(
        { alg: 'HS256', kid: key.kid },
        goodClaims(issuer),
        hmacBy(key.publicKey.export({ type: 'spki', format: 'pem' })),
      ),
  },
  {
    name: 'HS256 signed with the public key as DER',
    token: (issuer, key) =>
      token(
        { alg: 'HS256', kid: key.kid },
        goodClaims(issuer),
        hmacBy(key.publicKey.export({ type: 'spki', format: 'der' })),
      ),
  },
  {
    name: 'RS512 in name, RS256 in truth',
    token: (issuer, key) => signedBy(key, goodClaims(issuer), { alg: 'RS512' }),
  },
  {
    name: 'by an unknown key',
    isKeyUnknown: true,
    token: (issuer) => signedBy(STRANGER, goodClaims(issuer)),
  },
  {
    name: 'by a stranger under a known key’s id',
    token: (issuer, key) => signedBy({ ...STRANGER, kid: key.kid }, goodClaims(issuer)),
  },
  {
    name: 'by a stranger whose key it brings along',
    isKeyUnknown: true,
    token: (issuer) =>
      signedBy(STRANGER, goodClaims(issuer), {
        jwk: STRANGER.publicKey.export({ format: 'jwk' }),
        jku: `${issuer.url}/stranger.json`,
      }),
  },
  {
    name: 'without a key id',
    token: (issuer, key) => signedBy(key, goodClaims(issuer), { kid: undefined }),
  },
  {
    name: 'with claims changed after it was signed',
    token(issuer, key) {
      const [header, , signature] = signedBy(key, goodClaims(issuer)).split('.');
      return `${header}.${encode(goodClaims(issuer, { sub: 'root' }))}.${signature}`;
    },
  },
  {
    name: 'with a signature cut short',
    token: (issuer, key) => signedBy(key, goodClaims(issuer)).slice(0, -8),
  },
  { name: 'of two parts', token: (issuer, key) => signedBy(key, goodClaims(issuer)).replace(/\.[^.]*$/, '') },
  { name: 'no token at all', token: () => 'let-me-in' },
  {
    name: 'huge, and valid',
    token: (issuer, key) => signedBy(key, goodClaims(issuer, { more: 'x'.repeat(8192) })),
  },
  { name: 'without a subject', token: (issuer, key) => signedBy(key, without(goodClaims(issuer), 'sub')) },
  { name: 'with an empty subject', token: (issuer, key) => signedBy(key, goodClaims(issuer, { sub: '' })) },
  {
    name: 'with a subject that is too long for a key',
    token: (issuer, key) => signedBy(key, goodClaims(issuer, { sub: 'ä'.repeat(129) })),
  },
  {
    name: 'with half a character in its subject',
    token: (issuer, key) => signedBy(key, goodClaims(issuer, { sub: 'ann\ud800' })),
  },
  {
    name: 'with a tenant that is no text',
    token: (issuer, key) => signedBy(key, goodClaims(issuer, { tenant: ['acme'] })),
  },
  {
    name: 'with an empty tenant',
    token: (issuer, key) => signedBy(key, goodClaims(issuer, { tenant: '' })),
  },
];
