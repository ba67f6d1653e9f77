import type { MidturnAuth } from './auth.ts';
import type { PlainProps } from './plain-props.ts';

/**
 * What a team chooses about its Midturn. Most props are also settings of the app around it: docs/settings.md lists them with
 * defaults and bounds. A value that cannot be used stops the synth with one line that names the setting.
 */
export interface MidturnProps extends Omit<PlainProps, 'auth'> {
  /**
   * How a client proves who it is: `MidturnAuth.cognito(userPool, client)`, `.jwt(…)`, `.tokens(secret)` or `.none(…)`; or one of
   * their names, with the props that begin with it.
   */
  auth: MidturnAuth | PlainProps['auth'];
}
