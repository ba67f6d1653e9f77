import { createHash, timingSafeEqual } from 'node:crypto';
import { SettingError } from '../../config/settings.ts';
import type { Principal } from '../../core/store/items.ts';
import { principalOf } from './principal.ts';

export interface KnownToken {
  digest: Buffer;
  principal: Principal;
}

const digestOf = (text: string) => createHash('sha256').update(text).digest();

/**
 * `token=tenant/subject,…`
 *
 * @throws {SettingError} that quotes nothing of it
 */
export function parseTokens(text: string): KnownToken[] {
  const known = text
    .split(',')
    .filter((entry) => entry.trim() !== '')
    .map((entry) => {
      // A token may hold `=` itself; neither tenant nor subject can hold one.
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
  // Every entry is compared, in constant time: how long it takes says nothing about how near a guess was.
  let found: Principal | undefined;
  for (const { digest, principal } of known) if (timingSafeEqual(digest, asked)) found = principal;
  return found;
}
