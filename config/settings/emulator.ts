import { AUTH_SETTINGS } from './authentication.ts';
import { read } from './read.ts';
import type { Environment } from './setting.ts';

/**
 * Hosts at which an emulator of AWS can be: this machine, a private network, or a name that only a private network knows. No
 * endpoint of AWS is among them, a private one included, whose name ends in `amazonaws.com`.
 */
const PRIVATE_HOSTS = [
  // `localhost.localstack.cloud` is 127.0.0.1 for everybody; other emulators have such names too.
  /^localhost(\.|$)/,
  /\.(localhost|local|internal)$/,
  // A name without a dot: a container's.
  /^[a-z][a-z0-9-]*$/,
  /^(127|10)(\.\d+){3}$/,
  /^192\.168(\.\d+){2}$/,
  /^172\.(1[6-9]|2\d|3[01])(\.\d+){2}$/,
  /^\[(::1|f[cd][0-9a-f]{2}:.*)\]$/,
];

/** Whether an address that the AWS SDK is to call can only be an emulator's, and not AWS itself. */
export function isEmulator(endpoint: string | undefined): boolean {
  const url = endpoint ? URL.parse(endpoint) : null;
  if (url === null || !/^https?:$/.test(url.protocol)) return false;
  return PRIVATE_HOSTS.some((pattern) => pattern.test(url.hostname));
}

/**
 * Whether handshakes of this deployment come without an authorizer's word. It takes more than the setting: what the SDK
 * calls must be an emulator. So nothing that was set in an AWS account by mistake opens it.
 * @param env of the app at synth, or of the function
 */
export const goesWithoutAuthorizer = (env: Environment): boolean =>
  !read(env, AUTH_SETTINGS.authorizer) && isEmulator(env.AWS_ENDPOINT_URL);
