import { createHash, timingSafeEqual } from 'node:crypto';
import { SettingError } from '../../config/settings/setting.ts';
import type { Principal } from '../../core/store/items.ts';
import { principalOf } from './principal.ts';

export interface KnownToken {
  digest: Buffer;
  principal: Principal;
}

const digestOf = (text: string) => createHash('sha256').update(text).digest();

/**
 * Parses `token=tenant/subject,…`.
 *
 * @throws {SettingError} The message quotes no part of the text.
 */
export function parseTokens(text: string): KnownToken[] {
  const known = text
    .split(',')
    .filter((entry) => entry.trim() !== '')
    .map((entry) => {
      // Splits at the last `=`: a token may contain one, a tenant or subject may not.
      const parts = /^(.+)=([^=/]+)\/([^=]+)$/.exec(entry.trim());
      const [, token, tenant, subject] = parts ?? [];
      const principal = principalOf(tenant, subject);
      if (!token || !principal) {
        throw new SettingError('The tokens are not of the form token=tenant/subject,…');
      }
      return { digest: digestOf(token), principal };
    });
  if (new Set(known.map(({ digest }) => digest.toString('hex'))).size < known.length) {
    throw new SettingError('The tokens hold one token twice: it must name one principal.');
  }
  return known;
}

export function findToken(known: readonly KnownToken[], token: string): Principal | undefined {
  const asked = digestOf(token);
  // All entries are compared in constant time, so that the duration does not show how close a guess was.
  let found: Principal | undefined;
  for (const { digest, principal } of known) if (timingSafeEqual(digest, asked)) found = principal;
  return found;
}
