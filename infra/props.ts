import type { IEventBus } from 'aws-cdk-lib/aws-events';
import type { MidturnAuth } from './auth.ts';
import type { PlainProps } from './plain-props.ts';

/**
 * What a team chooses about its Midturn. Most props are also settings of the app around it: docs/settings.md lists them with
 * defaults and bounds. A value that cannot be used stops the synth with one line that names the setting.
 */
export interface MidturnProps extends Omit<PlainProps, 'auth' | 'eventBus'> {
  /**
   * How a client proves who it is: `MidturnAuth.cognito(userPool, client)`, `.jwt(…)`, `.tokens(secret)` or `.none(…)`; or one of
   * their names, with the props that begin with it.
   */
  auth: MidturnAuth | PlainProps['auth'];
  /**
   * The event bus that is told when turns end, sessions are deleted and approvals are asked for: the bus, its name or its ARN. `true`
   * is the account's default bus. docs/events.md has the events.
   *
   *     new Rule(this, 'Ended', { eventBus: bus, eventPattern: { source: ['midturn'], detailType: ['Turn Ended'] }, targets: [new LambdaFunction(bill)] });
   *
   * @default - nobody is told
   */
  eventBus?: Pick<IEventBus, 'eventBusArn'> | string | boolean;
}
