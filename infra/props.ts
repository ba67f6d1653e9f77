import type { IEventBus } from 'aws-cdk-lib/aws-events';
import type { MidturnAuth } from './auth.ts';
import type { ExistingDomain, PlainProps } from './plain-props.ts';

/**
 * What a team chooses about its Midturn. Most props are also settings of the app around it: docs/settings.md lists them with
 * defaults and bounds. A value that cannot be used stops the synth with one line that names the setting.
 */
export interface MidturnProps extends Omit<PlainProps, 'auth' | 'eventBus' | 'domain' | 'existingDomain'> {
  /**
   * How a client proves who it is: `MidturnAuth.cognito(userPool, client)`, `.jwt(…)`, `.tokens(secret)` or `.none(…)`; or one of
   * their names, with the props that begin with it.
   */
  auth: MidturnAuth | PlainProps['auth'];
  /**
   * The host name under which clients connect: a new one by name and certificate, or one that the app has.
   *
   *     domain: { name: 'chat.example.com', certificateArn, hostedZoneId }
   *     domain: { domainName: DomainName.fromDomainNameAttributes(this, 'Domain', { … }), mappingKey: 'chat' }
   *
   * With `defaultEndpoint: false` it is the only one. @default - the host name that API Gateway assigns
   */
  domain?: PlainProps['domain'] | ExistingDomain;
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
