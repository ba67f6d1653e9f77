import { errorFields } from '../../aws/cloudwatch/error-fields.ts';
import type { Instruments } from '../../aws/cloudwatch/instruments.ts';
import { openerWith } from '../../aws/sealed-text.ts';
import { readSecret } from '../../aws/secrets-manager/secrets.ts';
import { systemClock } from '../../aws/system.ts';
import { FORWARD_TOKEN_SETTINGS } from '../../config/settings/forward-token.ts';
import { read } from '../../config/settings/read.ts';
import { readSecretAge } from '../../config/settings/secrets.ts';
import type { Environment } from '../../config/settings/setting.ts';
import type { OpenToken } from '../../core/ports.ts';
import { renewed } from '../../core/renewed.ts';

/** Opens the tokens of users. The private key is read when the first token is opened. Undefined: there is none. */
export function openTokenOf(env: Environment, { log }: Pick<Instruments, 'log'>): OpenToken | undefined {
  const { forwardTokenPrivateKey, forwardTokenPrivateKeySecret } = FORWARD_TOKEN_SETTINGS;
  const text = read(env, forwardTokenPrivateKey);
  const secret = read(env, forwardTokenPrivateKeySecret);
  if (text === undefined && secret === undefined) return undefined;
  const opener = renewed({
    read: async () => (secret === undefined ? (text ?? '') : readSecret(secret)),
    make: openerWith,
    freshMs: readSecretAge(env),
    clock: systemClock,
    keptLast: (error) =>
      log.error('a secret cannot be read again: the last value stays in use', {
        secret,
        ...errorFields(error),
      }),
  });
  return async (sealed, boundTo) => (await opener())(sealed, boundTo);
}
