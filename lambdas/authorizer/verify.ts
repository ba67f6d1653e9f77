import { createHash, timingSafeEqual } from 'node:crypto';
import { JwtVerifier } from 'aws-jwt-verify';
import type { Principal } from '../core/items.ts';
import type { Environment } from '../settings.ts';
import { readAuthChoice, SettingError } from '../settings.ts';

/** Undefined: the token proves nothing. Never says why to the outside. */
export type Verify = (token: string | undefined) => Promise<Principal | undefined>;

/** Of everyone, where nobody has to prove anything. */
const ANYONE: Principal = { tenant: 'local', subject: 'anonymous' };

export function verifier(env: Environment): Verify {
  switch (readAuthChoice(env)) {
    case 'none':
      return async () => ANYONE;
    case 'tokens':
      return byTokens(parseTokens(env.MIDTURN_TOKENS ?? ''));
    case 'jwt':
      return byJwt(env.MIDTURN_JWT_ISSUER ?? '', env.MIDTURN_JWT_AUDIENCE ?? '');
  }
}

const digest = (text: string) => createHash('sha256').update(text).digest();

/** `token=tenant/subject,…` */
export function parseTokens(text: string): { digest: Buffer; principal: Principal }[] {
  return text
    .split(',')
    .filter((entry) => entry.trim() !== '')
    .map((entry) => {
      // A token may hold `=` itself; neither tenant nor subject can hold one.
      const parts = /^(.+)=([^=/]+)\/([^=]+)$/.exec(entry.trim());
      const [, token, tenant, subject] = parts ?? [];
      if (!token || !tenant || !subject) {
        throw new SettingError('MIDTURN_TOKENS is not of the form token=tenant/subject,…');
      }
      return { digest: digest(token), principal: { tenant, subject } };
    });
}

function byTokens(known: ReturnType<typeof parseTokens>): Verify {
  return async (token) => {
    if (!token) return undefined;
    const asked = digest(token);
    // Every entry is compared, in constant time: how long it takes says nothing about how near a guess was.
    let found: Principal | undefined;
    for (const entry of known) if (timingSafeEqual(entry.digest, asked)) found = entry.principal;
    return found;
  };
}

function byJwt(issuer: string, audience: string): Verify {
  const jwt = JwtVerifier.create({ issuer, audience });
  return async (token) => {
    if (!token) return undefined;
    try {
      const { sub, tenant } = await jwt.verify(token);
      if (!sub) return undefined;
      return { tenant: typeof tenant === 'string' && tenant ? tenant : 'default', subject: sub };
    } catch {
      // Expired, forged, of another issuer: all the same to the outside, and the reason could quote the token.
      return undefined;
    }
  };
}
