import { createHash, timingSafeEqual } from 'node:crypto';
import { readSecret } from '../../aws/secrets-manager/secrets.ts';
import { ORIGIN_HEADER } from '../../config/origin-header.ts';
import { AUTH_SETTINGS } from '../../config/settings/authentication.ts';
import { read } from '../../config/settings/read.ts';
import { readSecretAge } from '../../config/settings/secrets.ts';
import { type Environment, SettingError } from '../../config/settings/setting.ts';
import type { Clock } from '../../core/ports.ts';
import { renewed } from '../../core/renewed.ts';
import { type Handshake, headerOf } from './token.ts';

/** 128 bits in hex. Whoever knows the API's address may guess as often as it is throttled to. */
const MIN_LENGTH = 32;

interface OriginDeps {
  clock: Clock;
  /** Told if the secret could not be read again, and the values that were read last stay valid. */
  keptLast(error: unknown): void | Promise<void>;
}

/**
 * Whether a handshake came through what stands in front of the API. Undefined where nothing does: then every handshake
 * counts as direct.
 *
 * @throws {SecretError | SettingError} if the secret cannot be read, or does not hold what it must
 */
export function originCheck(
  env: Environment,
  { clock, keptLast }: OriginDeps,
): ((handshake: Handshake) => Promise<boolean>) | undefined {
  const name = read(env, AUTH_SETTINGS.originSecret);
  if (!name) return undefined;
  const known = renewed({
    read: () => readSecret(name),
    make: parseOriginValues,
    freshMs: readSecretAge(env),
    clock,
    keptLast,
  });
  return async ({ headers }) => {
    const shown = digestOf(headerOf(headers, ORIGIN_HEADER));
    // All are compared, in constant time.
    return (await known()).map((digest) => timingSafeEqual(digest, shown)).includes(true);
  };
}

const digestOf = (text: string) => createHash('sha256').update(text).digest();

/**
 * Parses `{"current":"…","previous":"…"}`. `previous` is optional: it is accepted too, so that a value can be changed without a
 * moment in which the proxy sends one that is refused.
 *
 * @returns digests of the values that are accepted
 * @throws {SettingError} The message quotes no part of the text.
 */
export function parseOriginValues(text: string): Buffer[] {
  const { name } = AUTH_SETTINGS.originSecret;
  const form = `The secret of ${name} must be {"current":"…"} or {"current":"…","previous":"…"}, with at least ${MIN_LENGTH} characters each.`;
  let held: unknown;
  try {
    held = JSON.parse(text);
  } catch {
    throw new SettingError(form);
  }
  if (typeof held !== 'object' || held === null) throw new SettingError(form);
  const { current, previous = current } = held as { current?: unknown; previous?: unknown };
  return [current, previous].map((value) => {
    if (typeof value !== 'string' || value.length < MIN_LENGTH) throw new SettingError(form);
    return digestOf(value);
  });
}
