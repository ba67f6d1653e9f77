import { ANYONE, type AuthorizerContext } from '../../aws/api-gateway/caller.ts';
import { readSecret } from '../../aws/secrets-manager/secrets.ts';
import { systemClock } from '../../aws/system.ts';
import { AUTH_SETTINGS, readAuthChoice, readJwtSettings } from '../../config/settings/authentication.ts';
import { read } from '../../config/settings/read.ts';
import { readSecretAge } from '../../config/settings/secrets.ts';
import type { Environment } from '../../config/settings/setting.ts';
import { memoized } from '../../core/memoized.ts';
import type { Clock } from '../../core/ports.ts';
import { renewed } from '../../core/renewed.ts';
import { findToken, parseTokens } from './tokens.ts';

/** What a client shows at its handshake. */
interface Shown {
  token: string | undefined;
  /** The client's address, as `countedAddress` makes it. */
  address: string;
}

/**
 * Returns undefined for an invalid token, without the reason. Throws if the token cannot be judged, because a secret or the
 * issuer's keys cannot be read.
 */
export type Verify = (shown: Shown) => Promise<AuthorizerContext | undefined>;

/** Longer tokens are rejected unread: no issuer makes them, and API Gateway limits headers to 10 KB. */
const MAX_TOKEN_LENGTH = 8192;

export interface VerifierDeps {
  /** Told if tokens or keys could not be read again, and those that were read last stay valid. */
  keptLast(error: unknown): void | Promise<void>;
  clock?: Clock;
}

export function verifier(env: Environment, deps: VerifierDeps): Verify {
  const verify = verifierOf(env, deps);
  if (verify) {
    return async ({ token }) => (token && token.length <= MAX_TOKEN_LENGTH ? verify(token) : undefined);
  }
  // On one machine everybody has the same address, and nobody is limited.
  return read(env, AUTH_SETTINGS.openToAnyone)
    ? async ({ address }) => ({ ...ANYONE, address })
    : async () => ANYONE;
}

function verifierOf(
  env: Environment,
  { keptLast, clock = systemClock }: VerifierDeps,
): ((token: string) => Promise<AuthorizerContext | undefined>) | undefined {
  switch (readAuthChoice(env)) {
    case 'none':
      return undefined;
    case 'tokens': {
      const secret = env.MIDTURN_TOKENS_SECRET;
      const known = renewed({
        read: async () => (secret ? readSecret(secret) : (env.MIDTURN_TOKENS ?? '')),
        make: parseTokens,
        freshMs: readSecretAge(env),
        clock,
        keptLast,
      });
      return async (token) => findToken(await known(), token);
    }
    case 'jwt': {
      const settings = readJwtSettings(env);
      // Loaded only if tokens are JWTs.
      const jwt = memoized(async () =>
        (await import('./jwt.ts')).jwtVerifier(settings, { freshMs: readSecretAge(env), clock, keptLast }),
      );
      return async (token) => {
        const proof = await (await jwt())(token);
        return proof && { ...proof, expires: String(proof.expires) };
      };
    }
  }
}
