/** What another CDK app can import. */

export type { FunctionName } from '../config/function-names.ts';
export { SettingError } from '../config/settings/setting.ts';
export type { AlarmName } from './alarms.ts';
export {
  type ClaimOptions,
  type CognitoOptions,
  type JwtOptions,
  MidturnAuth,
  type NewUserPoolOptions,
} from './auth.ts';
export type { Functions } from './functions.ts';
export { Midturn } from './midturn.ts';
export type { DomainProps, EdgeProps, ExistingDomain, ThrottleProps } from './plain-props.ts';
export type { MidturnProps } from './props.ts';
export type { QueueName, Queues } from './queues.ts';
export { MidturnStack, type MidturnStackProps } from './stack.ts';
export { stackFromSettings } from './stack-from-settings.ts';
export type { Users } from './users.ts';
