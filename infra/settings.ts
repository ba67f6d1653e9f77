import { RemovalPolicy } from 'aws-cdk-lib/core';
import { checkSettings, MODEL_SETTINGS, readModels, SettingError } from '../config/settings.ts';
import type { MidturnProps } from './props.ts';
import {
  checkStackSettings,
  STACK_SETTINGS,
  type StackSetting,
  type StackSettings,
  toStackSettings,
} from './stack-settings.ts';

export type { MidturnProps } from './props.ts';

/** The props that are also settings of the functions, by the setting's name. */
const TEXTS = {
  model: 'MIDTURN_MODEL',
  modelBaseUrl: 'MIDTURN_MODEL_BASE_URL',
  modelApiKey: 'MIDTURN_MODEL_API_KEY',
  modelApiKeySecret: 'MIDTURN_MODEL_API_KEY_SECRET',
  fallbackModel: 'MIDTURN_FALLBACK_MODEL',
  fallbackModelBaseUrl: 'MIDTURN_FALLBACK_MODEL_BASE_URL',
  fallbackModelApiKey: 'MIDTURN_FALLBACK_MODEL_API_KEY',
  fallbackModelApiKeySecret: 'MIDTURN_FALLBACK_MODEL_API_KEY_SECRET',
  mcpUrls: 'MIDTURN_MCP_URLS',
  mcpTokens: 'MIDTURN_MCP_TOKENS',
  mcpTokensSecret: 'MIDTURN_MCP_TOKENS_SECRET',
  auth: 'MIDTURN_AUTH',
  jwtIssuer: 'MIDTURN_JWT_ISSUER',
  jwtAudience: 'MIDTURN_JWT_AUDIENCE',
  jwtJwksUri: 'MIDTURN_JWT_JWKS_URI',
  jwtTenantClaim: 'MIDTURN_JWT_TENANT_CLAIM',
  tokens: 'MIDTURN_TOKENS',
  tokensSecret: 'MIDTURN_TOKENS_SECRET',
  steerScope: 'MIDTURN_STEER_SCOPE',
  responseCache: 'MIDTURN_RESPONSE_CACHE',
  logLevel: 'MIDTURN_LOG_LEVEL',
} as const;

const INTEGERS = {
  inboxLimit: 'MIDTURN_INBOX_LIMIT',
  inboxBytes: 'MIDTURN_INBOX_BYTES',
  sessionQueueLimit: 'MIDTURN_SESSION_QUEUE_LIMIT',
  sessionQueueTimeoutSeconds: 'MIDTURN_SESSION_QUEUE_TIMEOUT_SECONDS',
  maxSteps: 'MIDTURN_MAX_STEPS',
  flushMs: 'MIDTURN_FLUSH_MS',
  modelStallSeconds: 'MIDTURN_MODEL_STALL_SECONDS',
  contextTokens: 'MIDTURN_CONTEXT_TOKENS',
  approvalTimeoutSeconds: 'MIDTURN_APPROVAL_TIMEOUT_SECONDS',
  approvalHoldSeconds: 'MIDTURN_APPROVAL_HOLD_SECONDS',
  responseCacheHours: 'MIDTURN_RESPONSE_CACHE_HOURS',
  turnTimeoutSeconds: 'MIDTURN_TURN_TIMEOUT_SECONDS',
  visibilitySeconds: 'MIDTURN_VISIBILITY_SECONDS',
  retentionDays: 'MIDTURN_RETENTION_DAYS',
  eventRetentionHours: 'MIDTURN_EVENT_RETENTION_HOURS',
  framesPerMinute: 'MIDTURN_FRAMES_PER_MINUTE',
  connectionsPerMinute: 'MIDTURN_CONNECTIONS_PER_MINUTE',
} as const;

type TextProp = keyof typeof TEXTS;
type IntegerProp = keyof typeof INTEGERS;
export type FunctionSetting = (typeof TEXTS)[TextProp] | (typeof INTEGERS)[IntegerProp];

const textProps = Object.keys(TEXTS) as TextProp[];
const integerProps = Object.keys(INTEGERS) as IntegerProp[];

/** The props as the functions' environment spells them: only what was chosen; defaults stay with the functions. */
export function toEnvironment(props: MidturnProps): Partial<Record<FunctionSetting, string>> {
  const environment: Partial<Record<FunctionSetting, string>> = {};
  for (const prop of textProps) {
    const value = props[prop];
    if (value) environment[TEXTS[prop]] = value;
  }
  for (const prop of integerProps) {
    const value = props[prop];
    if (value !== undefined) environment[INTEGERS[prop]] = String(value);
  }
  return environment;
}

/** @throws {SettingError} naming the first setting that cannot be. */
export function checkProps(props: MidturnProps): void {
  checkSettings(toEnvironment(props));
  checkKeys(props);
  checkStackSettings(toStackSettings(props));
}

/** Without it the first message would fail, not the synth. */
function checkKeys(props: MidturnProps): void {
  for (const [i, { choice, apiKey, apiKeySecret }] of readModels(toEnvironment(props)).entries()) {
    if (choice.provider !== 'anthropic' || apiKey || apiKeySecret) continue;
    throw new SettingError(`${MODEL_SETTINGS[i]}_API_KEY_SECRET is not set: an anthropic model needs a key.`);
  }
}

/** What a deployment must choose by name, with what a developer's synth assumes in its place. */
const REQUIRED_ON_DEPLOY = { model: 'demo', auth: 'none' } as const;
export type RequiredSetting = 'MIDTURN_MODEL' | 'MIDTURN_AUTH';

/** The stage that the local cloud runs, where the template stays on the machine. */
const LOCAL_STAGE = 'local';

const PLAIN_SECRETS = [
  ['modelApiKey', 'modelApiKeySecret'],
  ['fallbackModelApiKey', 'fallbackModelApiKeySecret'],
  ['tokens', 'tokensSecret'],
  ['mcpTokens', 'mcpTokensSecret'],
] as const;

/**
 * Props from settings by name. `missing` names those that a deployment must choose and that `lookup` does not know.
 * @throws {SettingError} naming the first setting that cannot be.
 */
export function readProps(lookup: (name: string) => unknown): {
  props: MidturnProps;
  missing: RequiredSetting[];
} {
  const text = (name: string): string | undefined => {
    const value = lookup(name);
    return value === undefined || value === '' ? undefined : String(value);
  };
  const props: MidturnProps = { ...REQUIRED_ON_DEPLOY };
  for (const prop of textProps) {
    const value = text(TEXTS[prop]);
    if (value !== undefined) props[prop] = value;
  }
  for (const prop of integerProps) {
    const value = text(INTEGERS[prop]);
    if (value !== undefined) props[prop] = Number(value);
  }
  const written: StackSettings = {};
  for (const name of STACK_SETTINGS) {
    const value = text(name);
    if (value !== undefined) written[name] = value;
  }
  checkStackSettings(written);
  Object.assign(props, toStackProps(written));
  const bundles = text('MIDTURN_BUNDLES');
  if (bundles !== undefined) props.bundles = bundles;
  checkSettings({ ...toEnvironment(props), ...integersAsWritten(text) });
  keepSecretsOut(props);
  checkProps(props);
  const missing = (['model', 'auth'] as const).map((prop) => TEXTS[prop]).filter((name) => !text(name));
  return { props, missing };
}

/** So that a complaint quotes what was written, not the NaN that it became. */
function integersAsWritten(text: (name: string) => string | undefined): Record<string, string> {
  const written: Record<string, string> = {};
  for (const prop of integerProps) {
    const value = text(INTEGERS[prop]);
    if (value !== undefined) written[INTEGERS[prop]] = value;
  }
  return written;
}

/** A key that is exported for local runs must not end up in a template because somebody deploys from the same shell. */
function keepSecretsOut(props: MidturnProps): void {
  if (props.stageName === LOCAL_STAGE) return;
  for (const [plain, secret] of PLAIN_SECRETS) {
    if (!props[plain]) continue;
    if (!props[secret]) {
      throw new SettingError(
        `${TEXTS[plain]} is for the local cloud: on deploy, name a Secrets Manager secret with ${TEXTS[secret]}.`,
      );
    }
    delete props[plain];
  }
}

/** Of checked settings. */
function toStackProps(settings: StackSettings): Partial<MidturnProps> {
  const number = (name: StackSetting) => (settings[name] === undefined ? undefined : Number(settings[name]));
  const flag = (name: StackSetting) => (settings[name] === undefined ? undefined : settings[name] === 'true');
  const { MIDTURN_DOMAIN_NAME: domain, MIDTURN_DOMAIN_CERTIFICATE_ARN: certificateArn } = settings;
  const [rate, burst] = [number('MIDTURN_THROTTLE_RATE'), number('MIDTURN_THROTTLE_BURST')];
  const [min, max] = [number('MIDTURN_TURN_POLLERS_MIN'), number('MIDTURN_TURN_POLLERS_MAX')];
  return present({
    stageName: settings.MIDTURN_STAGE,
    domain:
      domain && certificateArn
        ? present({ name: domain, certificateArn, hostedZoneId: settings.MIDTURN_DOMAIN_ZONE_ID })
        : undefined,
    throttle: rate || burst ? present({ rate, burst }) : undefined,
    accessLog: flag('MIDTURN_ACCESS_LOG'),
    apiLogsRole: settings.MIDTURN_API_LOGS_ROLE as MidturnProps['apiLogsRole'],
    detailedMetrics: flag('MIDTURN_DETAILED_METRICS'),
    managementEndpoint: settings.MIDTURN_MANAGEMENT_ENDPOINT,
    turnMaxConcurrency: number('MIDTURN_TURN_MAX_CONCURRENCY'),
    turnReservedConcurrency: number('MIDTURN_TURN_RESERVED_CONCURRENCY'),
    turnPollers: min && max ? { min, max } : undefined,
    tracing: flag('MIDTURN_TRACING'),
    logRetentionDays: number('MIDTURN_LOG_RETENTION_DAYS'),
    tableKeyArn: settings.MIDTURN_TABLE_KEY_ARN,
    removalPolicy: settings.MIDTURN_REMOVAL === 'destroy' ? RemovalPolicy.DESTROY : RemovalPolicy.RETAIN,
    nameQueues: flag('MIDTURN_NAME_QUEUES'),
    alarmTopicArn: settings.MIDTURN_ALARM_TOPIC_ARN,
    page: flag('MIDTURN_PAGE'),
  });
}

type Present<T> = { [K in keyof T]?: Exclude<T[K], undefined> } & {
  [K in keyof T as undefined extends T[K] ? never : K]: T[K];
};

/** Without what is undefined. */
function present<T extends object>(values: T): Present<T> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Present<T>;
}
