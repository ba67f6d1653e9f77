import { createHmac, generateKeyPairSync, type KeyObject, randomUUID, sign } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export type Claims = Record<string, unknown>;
type Algorithm = 'RS256' | 'ES256' | 'EdDSA';

/** One of an issuer's key pairs. */
export interface SigningKey {
  readonly kid: string;
  readonly alg: Algorithm;
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

export function newKey(alg: Algorithm = 'RS256', kid: string = randomUUID()): SigningKey {
  switch (alg) {
    case 'RS256':
      return { kid, alg, ...generateKeyPairSync('rsa', { modulusLength: 2048 }) };
    case 'ES256':
      return { kid, alg, ...generateKeyPairSync('ec', { namedCurve: 'P-256' }) };
    case 'EdDSA':
      return { kid, alg, ...generateKeyPairSync('ed25519') };
  }
}

export const encode = (part: unknown): string => Buffer.from(JSON.stringify(part)).toString('base64url');

/** A token with whatever header and claims; `signature` makes its last part from the first two. */
export function token(header: Claims, claims: Claims, signature: (signed: string) => string): string {
  const signed = `${encode(header)}.${encode(claims)}`;
  return `${signed}.${signature(signed)}`;
}

export function signedBy(key: SigningKey, claims: Claims, header: Claims = {}): string {
  return token({ typ: 'JWT', alg: key.alg, kid: key.kid, ...header }, claims, (signed) =>
    sign(key.alg === 'EdDSA' ? null : 'sha256', Buffer.from(signed), {
      key: key.privateKey,
      ...(key.alg === 'ES256' && { dsaEncoding: 'ieee-p1363' }),
    }).toString('base64url'),
  );
}

export const hmacBy =
  (secret: string | Buffer) =>
  (signed: string): string =>
    createHmac('sha256', secret).update(signed).digest('base64url');

/** An OIDC issuer on this machine: its discovery document names its keys at a place of its own choice. */
export interface Issuer {
  readonly url: string;
  readonly keysUrl: string;
  /** Its valid keys; a test may add and take away. */
  readonly keys: SigningKey[];
  /** Paths that were asked for. */
  readonly asked: string[];
  /** Overrides parts of the discovery document. */
  discovery: Claims;
  /** Answers everything with 503. */
  down: boolean;
  /** Its keys are a page that says that it is under repair, with status 200. */
  garbled: boolean;
  close(): Promise<void>;
}

export async function startIssuer(keys: SigningKey[] = [newKey()]): Promise<Issuer> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url ?? '');
    const answer = (status: number, body: unknown) => {
      response.writeHead(status, { 'content-type': 'application/json', connection: 'close' });
      response.end(JSON.stringify(body));
    };
    if (issuer.down) return answer(503, {});
    switch (request.url) {
      case '/realm/.well-known/openid-configuration':
        return answer(200, { issuer: issuer.url, jwks_uri: issuer.keysUrl, ...issuer.discovery });
      case '/protocol/keys':
        if (issuer.garbled) return answer(200, 'We are back soon.');
        return answer(200, {
          keys: keys.map(({ kid, alg, publicKey }) => ({
            ...publicKey.export({ format: 'jwk' }),
            kid,
            alg,
            use: 'sig',
          })),
        });
      default:
        return answer(404, {});
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const issuer: Issuer = {
    url: `${origin}/realm`,
    keysUrl: `${origin}/protocol/keys`,
    keys,
    asked,
    discovery: {},
    down: false,
    garbled: false,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return issuer;
}
