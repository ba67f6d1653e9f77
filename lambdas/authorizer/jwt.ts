import { JwksValidationError, JwkValidationError, KidNotFoundInJwksError } from 'aws-jwt-verify/error';
import { assertIsJwks, type Jwks } from 'aws-jwt-verify/jwk';
import { decomposeUnverifiedJwt } from 'aws-jwt-verify/jwt';
import { verifyJwtSync } from 'aws-jwt-verify/jwt-verifier';

import type { JwtSettings } from '../../config/settings/authentication.ts';
import { type Milliseconds, milliseconds } from '../../config/units.ts';

import type { Clock } from '../../core/ports.ts';
import { renewed } from '../../core/renewed.ts';
import type { Principal } from '../../core/store/items.ts';
import { wellFormed } from '../../protocol/text.ts';
import { discoverKeys, fetchDocument, IssuerError } from './issuer.ts';
import { DEFAULT_TENANT, principalOf } from './principal.ts';

type Claims = Readonly<Record<string, unknown>>;

/**
 * How long the last keys stand in for an issuer that does not answer. Longer than for secrets: such an issuer makes no new
 * tokens, and those that it has made expire.
 */
const KEYS_KEPT_MS = milliseconds(24 * 3_600_000);
/** After an unknown key was asked for in vain, the issuer is not asked for another one in this time. */
const UNKNOWN_KEY_PAUSE_MS = milliseconds(10_000);

/** The claim that contains the tenant where no other one is configured, and the tenant of a token without it. */
const USUAL_TENANT_CLAIM = 'tenant';

export interface JwtVerifierDeps {
  /** Keys of this age are read again. */
  freshMs: Milliseconds;
  clock: Clock;
  /** Told if the keys could not be read again, and those that were read last stay valid. */
  keptLast(error: unknown): void | Promise<void>;
}

/** Whom a token proves, and until when, in whole seconds since the epoch. */
export interface Proof extends Principal {
  expires: number;
  /** The claims that the deployment chose: JSON text. Absent if it chose none. */
  claims?: string;
}

/**
 * Verifies tokens of one issuer: signature, issuer, audience and times. The principal is the token's subject under the tenant
 * that a claim names. Keys are read again when they are old, and when a token names an unknown one.
 *
 * @throws {IssuerError} if the token cannot be judged: the issuer's keys cannot be read, or its key may be a new one and they
 * were read again a moment ago
 */
export function jwtVerifier(
  settings: JwtSettings,
  { freshMs, clock, keptLast }: JwtVerifierDeps,
): (token: string) => Promise<Proof | undefined> {
  const { issuer } = settings;
  let reads = 0;
  /** When an unknown key was last asked for in vain. */
  let askedInVainAt = Number.NEGATIVE_INFINITY;

  const keysOf = renewed({
    async read() {
      const text = new TextDecoder().decode(
        await fetchDocument(settings.jwksUri ?? (await discoverKeys(issuer))),
      );
      reads++;
      return text;
    },
    make: (text) => parseKeys(issuer, text),
    freshMs,
    keptMs: KEYS_KEPT_MS,
    clock,
    keptLast,
  });

  // The audience is checked below, because the tokens of some issuers have none.
  const claimsBy = (keys: Jwks, token: string): Claims =>
    verifyJwtSync(token, keys, { issuer, audience: null });

  async function claimsOf(token: string): Promise<Claims> {
    // What is no token, or another issuer's, is refused without a look at the keys.
    if (decomposeUnverifiedJwt(token).payload.iss !== issuer) throw new Error('not a token of this issuer');
    const keys = await keysOf();
    try {
      return claimsBy(keys, token);
    } catch (error) {
      if (!(error instanceof KidNotFoundInJwksError)) throw error;
    }
    const before = reads;
    const isPausing = clock.now() - askedInVainAt < UNKNOWN_KEY_PAUSE_MS;
    const newer = isPausing ? keys : await keysOf(milliseconds(0));
    try {
      return claimsBy(newer, token);
    } catch (error) {
      if (!(error instanceof KidNotFoundInJwksError)) throw error;
      if (reads === before) throw new IssuerError(`the keys of ${issuer} cannot be read again yet`);
      askedInVainAt = clock.now();
      throw error;
    }
  }

  return async (token) => {
    let claims: Claims;
    try {
      claims = await claimsOf(token);
    } catch (error) {
      if (error instanceof IssuerError) throw error;
      // Expired, forged and foreign tokens are answered alike. The reason is not logged, because it may quote the token.
      return undefined;
    }
    const { exp } = claims;
    // The library accepts a token without `exp` as one that never expires.
    if (typeof exp !== 'number' || !Number.isSafeInteger(Math.floor(exp)) || !isFor(settings, claims)) {
      return undefined;
    }
    const principal = principalOf(tenantOf(settings, claims), claims.sub);
    return principal && { ...principal, expires: Math.floor(exp), ...chosenClaims(settings, claims) };
  };
}

function parseKeys(issuer: string, text: string): Jwks {
  try {
    const keys = JSON.parse(text);
    assertIsJwks(keys);
    return keys;
  } catch (error) {
    const isInvalid =
      error instanceof SyntaxError ||
      error instanceof JwksValidationError ||
      error instanceof JwkValidationError;
    throw isInvalid ? new IssuerError(`the keys of ${issuer} are not valid`) : error;
  }
}

/**
 * Whether a token is for this audience. Cognito's access tokens have `client_id` in place of `aud`, unless they are bound to
 * a resource; its id tokens have `aud`. `token_use` says which a token is. Source:
 * https://docs.aws.amazon.com/verifiedpermissions/latest/userguide/cognito-validation.html
 */
function isFor({ audience, tokenUse }: JwtSettings, { aud, client_id, token_use }: Claims): boolean {
  if (tokenUse !== undefined && token_use !== tokenUse) return false;
  const audiences = token_use === 'id' ? aud : (aud ?? client_id);
  return [audiences].flat().includes(audience);
}

const tenantOf = ({ tenantClaim }: JwtSettings, claims: Claims): unknown =>
  tenantClaim === undefined
    ? (claimOf(claims, USUAL_TENANT_CLAIM) ?? DEFAULT_TENANT)
    : claimOf(claims, tenantClaim);

/**
 * An authorizer's answer has at most 8 KB, with the names of tenant and subject. Source: "Quotas for configuring and running a
 * WebSocket API", API Gateway developer guide.
 */
const MAX_CLAIMS_BYTES = 2048;

/** The claims of a token cannot be given to the agent's code: what the deployment chose is too long. */
class ClaimsError extends Error {
  override readonly name = 'ClaimsError';
}

/** @throws {ClaimsError} without them, the agent's code would take the user for another one */
function chosenClaims({ claims: names }: JwtSettings, claims: Claims): Pick<Proof, 'claims'> {
  if (names.length === 0) return {};
  const chosen = names.flatMap((name) => {
    const value = claimOf(claims, name);
    return value === undefined ? [] : [[name, value] as const];
  });
  const text = JSON.stringify(wellFormed(Object.fromEntries(chosen)));
  const bytes = Buffer.byteLength(text);
  if (bytes > MAX_CLAIMS_BYTES) {
    throw new ClaimsError(
      `the claims that MIDTURN_JWT_CLAIMS names have ${bytes} bytes in this token; at most ${MAX_CLAIMS_BYTES} are accepted`,
    );
  }
  return { claims: text };
}

/** Finds a claim by its exact name (`custom:tenant`, `https://example.com/tenant`), else by a path (`app.tenant`). */
function claimOf(claims: Claims, name: string): unknown {
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
