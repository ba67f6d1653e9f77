import { type Milliseconds, toMs } from '../units.ts';
import { read } from './read.ts';
import type { Environment, SettingTable } from './setting.ts';

/** How functions read secrets. Which secrets there are is said where they are used. */

export const SECRET_SETTINGS = {
  /**
   * How long a function uses a key or tokens from a secret before it reads the secret again. A token that was taken out of
   * the secret is accepted for this long. The keys of an OpenID issuer are read again after the same time.
   */
  secretSeconds: {
    name: 'MIDTURN_SECRET_SECONDS',
    kind: 'integer',
    unit: 'seconds',
    range: [1, 3600],
    default: 300,
    functions: ['authorizer', 'turn'],
  },
} as const satisfies SettingTable;

export const readSecretAge = (env: Environment): Milliseconds =>
  toMs(read(env, SECRET_SETTINGS.secretSeconds));
