import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Token } from 'aws-cdk-lib/core';
import { SettingError } from '../config/settings.ts';
import type { MidturnProps } from './props.ts';

/** What a setting's text must be, in words; undefined if it is. */
type Rule = (text: string) => string | undefined;

const wholeNumber =
  (min: number, max: number): Rule =>
  (text) => {
    const value = Number(text);
    return Number.isInteger(value) && value >= min && value <= max
      ? undefined
      : `a whole number from ${min} to ${max}`;
  };
const matching =
  (pattern: RegExp, form: string): Rule =>
  (text) =>
    pattern.test(text) ? undefined : form;
const oneOf =
  (...choices: string[]): Rule =>
  (text) =>
    choices.includes(text) ? undefined : `${choices.slice(0, -1).join(', ')} or ${choices.at(-1)}`;

const RETENTION_DAYS = Object.values(RetentionDays)
  .filter((days): days is number => typeof days === 'number' && days !== RetentionDays.INFINITE)
  .sort((a, b) => a - b);

const arnOf = (service: string): Rule =>
  matching(new RegExp(`^arn:[\\w-]+:${service}:\\S+$`), `an ARN of ${service}`);

/** Settings of the stack itself, beside those that its functions read. */
const RULES = {
  MIDTURN_STAGE: matching(/^[A-Za-z0-9_-]{1,128}$/, 'letters, digits, - or _'),
  MIDTURN_DOMAIN_NAME: matching(/^[a-z0-9-]+(\.[a-z0-9-]+)+$/, 'a host name in lower case'),
  MIDTURN_DOMAIN_CERTIFICATE_ARN: arnOf('acm'),
  MIDTURN_DOMAIN_ZONE_ID: matching(/^Z[A-Z0-9]{1,31}$/, 'the id of a Route 53 zone'),
  MIDTURN_THROTTLE_RATE: wholeNumber(1, 10_000),
  MIDTURN_THROTTLE_BURST: wholeNumber(1, 5000),
  MIDTURN_ACCESS_LOG: oneOf('true', 'false'),
  MIDTURN_API_LOGS_ROLE: oneOf('create', 'existing'),
  MIDTURN_DETAILED_METRICS: oneOf('true', 'false'),
  MIDTURN_MANAGEMENT_ENDPOINT: matching(/^https?:\/\/\S+$/, 'an http(s) URL with the stage as its path'),
  MIDTURN_TURN_MAX_CONCURRENCY: wholeNumber(2, 1000),
  MIDTURN_TURN_RESERVED_CONCURRENCY: wholeNumber(2, 100_000),
  MIDTURN_TURN_POLLERS_MIN: wholeNumber(2, 200),
  MIDTURN_TURN_POLLERS_MAX: wholeNumber(2, 2000),
  MIDTURN_TRACING: oneOf('true', 'false'),
  MIDTURN_LOG_RETENTION_DAYS: oneOf(...RETENTION_DAYS.map(String)),
  MIDTURN_TABLE_KEY_ARN: arnOf('kms'),
  MIDTURN_REMOVAL: oneOf('retain', 'destroy'),
  MIDTURN_NAME_QUEUES: oneOf('true', 'false'),
  MIDTURN_ALARM_TOPIC_ARN: arnOf('sns'),
  MIDTURN_PAGE: oneOf('true', 'false'),
} as const satisfies Record<string, Rule>;

export type StackSetting = keyof typeof RULES;
export const STACK_SETTINGS = Object.keys(RULES) as StackSetting[];

export type StackSettings = Partial<Record<StackSetting, string>>;

/** The stack's part of the props, as settings spell it. */
export function toStackSettings(props: MidturnProps): StackSettings {
  const values: Record<StackSetting, string | number | boolean | undefined> = {
    MIDTURN_STAGE: props.stageName,
    MIDTURN_DOMAIN_NAME: props.domain?.name,
    MIDTURN_DOMAIN_CERTIFICATE_ARN: props.domain?.certificateArn,
    MIDTURN_DOMAIN_ZONE_ID: props.domain?.hostedZoneId,
    MIDTURN_THROTTLE_RATE: props.throttle?.rate,
    MIDTURN_THROTTLE_BURST: props.throttle?.burst,
    MIDTURN_ACCESS_LOG: props.accessLog,
    MIDTURN_API_LOGS_ROLE: props.apiLogsRole,
    MIDTURN_DETAILED_METRICS: props.detailedMetrics,
    MIDTURN_MANAGEMENT_ENDPOINT: props.managementEndpoint,
    MIDTURN_TURN_MAX_CONCURRENCY: props.turnMaxConcurrency,
    MIDTURN_TURN_RESERVED_CONCURRENCY: props.turnReservedConcurrency,
    MIDTURN_TURN_POLLERS_MIN: props.turnPollers?.min,
    MIDTURN_TURN_POLLERS_MAX: props.turnPollers?.max,
    MIDTURN_TRACING: props.tracing,
    MIDTURN_LOG_RETENTION_DAYS: props.logRetentionDays,
    MIDTURN_TABLE_KEY_ARN: props.tableKeyArn,
    MIDTURN_REMOVAL: props.removalPolicy,
    MIDTURN_NAME_QUEUES: props.nameQueues,
    MIDTURN_ALARM_TOPIC_ARN: props.alarmTopicArn,
    MIDTURN_PAGE: props.page,
  };
  const settings: StackSettings = {};
  for (const name of STACK_SETTINGS) {
    const value = values[name];
    if (value !== undefined) settings[name] = String(value);
  }
  return settings;
}

/** @throws {SettingError} naming the first setting that cannot be, or cannot be beside another. */
export function checkStackSettings(settings: StackSettings): void {
  for (const name of STACK_SETTINGS) {
    const text = settings[name];
    // A reference to a resource of the app is no text yet.
    const form = text === undefined || Token.isUnresolved(text) ? undefined : RULES[name](text);
    if (form) throw new SettingError(`${name} is "${text}": it must be ${form}.`);
  }
  needs(settings, 'MIDTURN_DOMAIN_NAME', 'MIDTURN_DOMAIN_CERTIFICATE_ARN');
  needs(settings, 'MIDTURN_DOMAIN_CERTIFICATE_ARN', 'MIDTURN_DOMAIN_NAME');
  needs(settings, 'MIDTURN_DOMAIN_ZONE_ID', 'MIDTURN_DOMAIN_NAME');
  needs(settings, 'MIDTURN_TURN_POLLERS_MIN', 'MIDTURN_TURN_POLLERS_MAX');
  needs(settings, 'MIDTURN_TURN_POLLERS_MAX', 'MIDTURN_TURN_POLLERS_MIN');
  atMost(settings, 'MIDTURN_TURN_POLLERS_MIN', 'MIDTURN_TURN_POLLERS_MAX');
  // Lambda would take messages for turns that it then has no environment for.
  atMost(settings, 'MIDTURN_TURN_MAX_CONCURRENCY', 'MIDTURN_TURN_RESERVED_CONCURRENCY');
  if (settings.MIDTURN_TURN_MAX_CONCURRENCY && settings.MIDTURN_TURN_POLLERS_MAX) {
    throw new SettingError(
      'MIDTURN_TURN_MAX_CONCURRENCY and MIDTURN_TURN_POLLERS_MAX are both set: AWS takes one of them.',
    );
  }
}

function needs(settings: StackSettings, one: StackSetting, other: StackSetting): void {
  if (settings[one] !== undefined && settings[other] === undefined) {
    throw new SettingError(`${other} is not set: ${one} needs it.`);
  }
}

function atMost(settings: StackSettings, less: StackSetting, more: StackSetting): void {
  if (Number(settings[less] ?? 0) > Number(settings[more] ?? Number.POSITIVE_INFINITY)) {
    throw new SettingError(
      `${less} is "${settings[less]}": it must be at most ${more}, which is "${settings[more]}".`,
    );
  }
}
