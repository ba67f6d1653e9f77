import { JwtVerifier } from 'aws-jwt-verify';
import { JwksValidationError, JwkValidationError } from 'aws-jwt-verify/error';
import { SimpleJwksCache } from 'aws-jwt-verify/jwk';
import type { JwtSettings } from '../../config/settings.ts';
import { memoized } from '../../core/memoized.ts';
import type { Principal } from '../../core/store/items.ts';
import { discoverKeys, fetchDocument, IssuerError } from './issuer.ts';
import { principalOf } from './principal.ts';

type Claims = Readonly<Record<string, unknown>>;

/** A key that its issuer has withdrawn is trusted no longer than this by a function that runs on and on. */
const KEYS_LAST_MS = 3_600_000;

/** Of a token that names no tenant. */
const DEFAULT_TENANT = 'default';

/**
 * Judges tokens of one issuer: signature by one of its keys, which are kept and asked for again when a token names a key
 * that is not among them; issuer, audience, times. The principal is the subject under the tenant that a claim names.
 *
 * @throws {IssuerError} when the issuer's keys cannot be had
 */
export function jwtVerifier(
  settings: JwtSettings,
  now: () => number = Date.now,
): (token: string) => Promise<Principal | undefined> {
  const { issuer, audience, tenantClaim } = settings;
  const makeVerifier = async () =>
    JwtVerifier.create(
      // The audience is judged below: the tokens of some issuers have none.
      { issuer, audience: null, jwksUri: settings.jwksUri ?? (await discoverKeys(issuer)) },
      { jwksCache: new SimpleJwksCache({ fetcher: { fetch: fetchDocument } }) },
    );
  const verifierOf = memoized(makeVerifier, { forMs: KEYS_LAST_MS, now });
  return async (token) => {
    const verifier = await verifierOf();
    let claims: Claims;
    try {
      claims = await verifier.verify(token);
    } catch (error) {
      if (error instanceof IssuerError) throw error;
      if (error instanceof JwksValidationError || error instanceof JwkValidationError) {
        throw new IssuerError(`the keys of ${issuer} are not valid`);
      }
      // Expired, forged, of another issuer: all the same to the outside, and the reason could quote the token.
      return undefined;
    }
    // The library takes a token without an end for one that never ends.
    if (typeof claims.exp !== 'number' || !isFor(audience, claims)) return undefined;
    return principalOf(claimOf(claims, tenantClaim) ?? DEFAULT_TENANT, claims.sub);
  };
}

/** Cognito's access tokens have no `aud`: what they were made for is their `client_id`. */
const isFor = (audience: string, { aud, client_id }: Claims): boolean =>
  [aud ?? client_id].flat().includes(audience);

/** A claim as it is spelled (`custom:tenant`, `https://example.com/tenant`), else by a path (`app.tenant`). */
export function claimOf(claims: Claims, name: string): unknown {
  if (Object.hasOwn(claims, name)) return claims[name];
  return name
    .split('.')
    .reduce<unknown>(
      (inner, part) =>
        typeof inner === 'object' && inner !== null && Object.hasOwn(inner, part)
          ? (inner as Claims)[part]
          : undefined,
      claims,
    );
}
