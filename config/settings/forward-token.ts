import { read } from './read.ts';
import { type Environment, SettingError, type SettingTable } from './setting.ts';

/** How tokens of users are kept for tools and MCP servers with `forwardToken`. */

export const FORWARD_TOKEN_SETTINGS = {
  /**
   * The public key with which the connection function seals the token of each connection, for tools and MCP servers with
   * `forwardToken`. Only the turn function, which has the private key, can open it. Unset, no token is kept, and nothing is written.
   */
  forwardTokenKey: {
    name: 'MIDTURN_FORWARD_TOKEN_KEY',
    kind: 'text',
    // The DER form of a key of X25519 begins with the same twelve bytes.
    pattern: /^MCowBQYDK2VuAyEA[A-Za-z0-9+/]{43}=$/,
    form: 'a public key of X25519, as base64 of its DER form',
    unset: 'no token is kept',
    when: 'clients prove who they are',
    functions: ['connection'],
  },
  /** The private key of `MIDTURN_FORWARD_TOKEN_KEY`, as base64 of its DER form. While it is replaced: both, with a comma between. */
  forwardTokenPrivateKey: {
    name: 'MIDTURN_FORWARD_TOKEN_PRIVATE_KEY',
    kind: 'secret',
    onDeploy: 'MIDTURN_FORWARD_TOKEN_PRIVATE_KEY_SECRET',
    when: 'clients prove who they are',
    functions: ['turn'],
  },
  /** The secret that contains the private key of `MIDTURN_FORWARD_TOKEN_KEY`. */
  forwardTokenPrivateKeySecret: {
    name: 'MIDTURN_FORWARD_TOKEN_PRIVATE_KEY_SECRET',
    kind: 'secret name',
    when: 'clients prove who they are',
    functions: ['turn'],
  },
} as const satisfies SettingTable;

/** @throws {SettingError} if one half of the key pair is set without the other */
export function checkForwardTokenKeys(env: Environment): void {
  const {
    forwardTokenKey: open,
    forwardTokenPrivateKey: own,
    forwardTokenPrivateKeySecret: secret,
  } = FORWARD_TOKEN_SETTINGS;
  const hasPrivate = Boolean(env[own.name] || env[secret.name]);
  if (env[open.name] && !hasPrivate)
    throw new SettingError(`${own.name} is not set: ${open.name} needs it (on deploy ${secret.name}).`);
  if (!env[open.name] && hasPrivate)
    throw new SettingError(
      `${open.name} is not set: without it, no token is kept that the private key opens.`,
    );
}

export const readForwardTokenKey = (env: Environment): string | undefined =>
  read(env, FORWARD_TOKEN_SETTINGS.forwardTokenKey);
