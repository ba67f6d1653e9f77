import type { AuthorizerContext } from '../../aws/api-gateway/caller.ts';
import { readSecret } from '../../aws/secrets-manager/secrets.ts';
import type { Environment } from '../../config/settings.ts';
import { readAuthChoice, readJwtSettings } from '../../config/settings.ts';
import { memoized } from '../../core/memoized.ts';
import { findToken, parseTokens } from './tokens.ts';

/**
 * Undefined: the token proves nothing, and nobody is told why. Throws where that cannot be judged: a secret or an
 * issuer's keys cannot be had. The next call tries again to get them.
 */
export type Verify = (token: string | undefined) => Promise<AuthorizerContext | undefined>;

/** Of everyone, where nobody has to prove anything. */
const ANYONE: AuthorizerContext = { tenant: 'local', subject: 'anonymous', shared: true };

/** No issuer's tokens are longer, and what is longer is not even looked at. API Gateway's headers end at 10 KB. */
const MAX_TOKEN_LENGTH = 8192;

export function verifier(env: Environment): Verify {
  const verify = verifierOf(env);
  if (!verify) return async () => ANYONE;
  return async (token) => (token && token.length <= MAX_TOKEN_LENGTH ? verify(token) : undefined);
}

function verifierOf(env: Environment): ((token: string) => ReturnType<Verify>) | undefined {
  switch (readAuthChoice(env)) {
    case 'none':
      return undefined;
    case 'tokens': {
      const secret = env.MIDTURN_TOKENS_SECRET;
      const textOf = async () => (secret ? readSecret(secret) : (env.MIDTURN_TOKENS ?? ''));
      const known = memoized(async () => parseTokens(await textOf()));
      return async (token) => findToken(await known(), token);
    }
    case 'jwt': {
      const settings = readJwtSettings(env);
      // Loaded where it is needed: other ways to prove who one is do without it.
      const jwt = memoized(async () => (await import('./jwt.ts')).jwtVerifier(settings));
      return async (token) => (await jwt())(token);
    }
  }
}
