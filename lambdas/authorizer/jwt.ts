import { JwtVerifier } from 'aws-jwt-verify';
import { JwksValidationError, JwkValidationError } from 'aws-jwt-verify/error';
import { SimpleJwksCache } from 'aws-jwt-verify/jwk';

import type { JwtSettings } from '../../config/settings/authentication.ts';
import { milliseconds } from '../../config/units.ts';

import { memoized } from '../../core/memoized.ts';
import type { Principal } from '../../core/store/items.ts';
import { discoverKeys, fetchDocument, IssuerError } from './issuer.ts';
import { principalOf } from './principal.ts';

type Claims = Readonly<Record<string, unknown>>;

/** The longest time that a running function trusts a key which the issuer has withdrawn. */
const KEYS_LAST_MS = milliseconds(3_600_000);

/** The tenant of a token that names none. */
const DEFAULT_TENANT = 'default';

/**
 * Verifies tokens of one issuer: signature, issuer, audience and times. The keys are cached, and read again when a
 * token names an unknown key. The principal is the token's subject under the tenant that a claim names.
 *
 * @throws {IssuerError} if the issuer's keys cannot be read
 */
export function jwtVerifier(
  settings: JwtSettings,
  now: () => number = Date.now,
): (token: string) => Promise<Principal | undefined> {
  const { issuer, audience, tenantClaim } = settings;
  const makeVerifier = async () =>
    JwtVerifier.create(
      // The audience is checked below, because the tokens of some issuers have none.
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
      // Expired, forged and foreign tokens are answered alike. The reason is not logged, because it may quote the token.
      return undefined;
    }
    // The library accepts a token without `exp` as one that never expires.
    if (typeof claims.exp !== 'number' || !isFor(audience, claims)) return undefined;
    return principalOf(claimOf(claims, tenantClaim) ?? DEFAULT_TENANT, claims.sub);
  };
}

/** Cognito's access tokens have no `aud`: their audience is in `client_id`. */
const isFor = (audience: string, { aud, client_id }: Claims): boolean =>
  [aud ?? client_id].flat().includes(audience);

/** Finds a claim by its exact name (`custom:tenant`, `https://example.com/tenant`), else by a path (`app.tenant`). */
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
