import { RemovalPolicy } from 'aws-cdk-lib/core';
import { checkSettings, SettingError } from '../lambdas/settings.ts';

/**
 * What a team chooses about its Midturn. The names and ranges are those of the settings that the functions read, so a
 * value is checked by the very code that will use it.
 */
export interface MidturnProps {
  /** `demo`, `bedrock:<model id>`, `openai-compatible:<model id>` or `anthropic:<model id>`. */
  model: string;
  /** Where an `openai-compatible` model answers, e.g. `https://models.example.com/v1`. */
  modelBaseUrl?: string;
  /** Name or ARN of the Secrets Manager secret that holds the provider's key. Only the turn function may read it. */
  modelApiKeySecret?: string;
  /** The key itself: ends up in the template, so for the local cloud alone. */
  modelApiKey?: string;

  /** Who may connect: `jwt` and `tokens` prove a principal; `none` lets everybody in, as one and the same. */
  auth: string;
  /** `iss` that a JWT must carry; its keys are found through the issuer's discovery document. */
  jwtIssuer?: string;
  /** `aud` (or Cognito's `client_id`) that a JWT must carry. */
  jwtAudience?: string;
  /** Name or ARN of the secret that holds `token=tenant/subject,…`. Only the authorizer may read it. */
  tokensSecret?: string;
  /** The tokens themselves: end up in the template, so for the local cloud alone. */
  tokens?: string;

  /** Messages that wait in one connection's inbox. @default 64 */
  inboxLimit?: number;
  /** Bytes of content that wait in one connection's inbox. @default 131072 */
  inboxBytes?: number;
  /** Turns of a session, the running one included. @default 8 */
  sessionQueueLimit?: number;
  /** How long a turn may wait for its session. @default 30 */
  sessionQueueTimeoutSeconds?: number;
  /** Model calls without a new user message in between. @default 16 */
  maxSteps?: number;
  /** Window in which streamed text is gathered into one frame. @default 100 */
  flushMs?: number;
  /** Time limit of one turn invocation; a longer turn goes on in the next. @default 300 */
  turnTimeoutSeconds?: number;
  /** How soon a dead worker is replaced. @default 60 */
  visibilitySeconds?: number;
  /** @default 30 */
  retentionDays?: number;
  /** How long a client can resume a stream. @default 24 */
  eventRetentionHours?: number;

  /** Last part of the WebSocket's URL. @default 'prod' */
  stageName?: string;
  /**
   * Where functions post to connections, when that is not the stage's own callback URL: for emulators of AWS.
   * @default - https://{api}.execute-api.{region}.{suffix}/{stage}
   */
  managementEndpoint?: string;
  /** What happens to conversations when the stack goes. @default RemovalPolicy.RETAIN */
  removalPolicy?: RemovalPolicy;
  /** Days that the functions' logs are kept. @default 30 */
  logRetentionDays?: number;
  /** Folder with one bundle per function. @default - dist/functions of this project */
  bundles?: string;
}

/** The props that are also settings of the functions, by the setting's name. */
const TEXTS = {
  model: 'MIDTURN_MODEL',
  modelBaseUrl: 'MIDTURN_MODEL_BASE_URL',
  modelApiKey: 'MIDTURN_MODEL_API_KEY',
  modelApiKeySecret: 'MIDTURN_MODEL_API_KEY_SECRET',
  auth: 'MIDTURN_AUTH',
  jwtIssuer: 'MIDTURN_JWT_ISSUER',
  jwtAudience: 'MIDTURN_JWT_AUDIENCE',
  tokens: 'MIDTURN_TOKENS',
  tokensSecret: 'MIDTURN_TOKENS_SECRET',
} as const;

const INTEGERS = {
  inboxLimit: 'MIDTURN_INBOX_LIMIT',
  inboxBytes: 'MIDTURN_INBOX_BYTES',
  sessionQueueLimit: 'MIDTURN_SESSION_QUEUE_LIMIT',
  sessionQueueTimeoutSeconds: 'MIDTURN_SESSION_QUEUE_TIMEOUT_SECONDS',
  maxSteps: 'MIDTURN_MAX_STEPS',
  flushMs: 'MIDTURN_FLUSH_MS',
  turnTimeoutSeconds: 'MIDTURN_TURN_TIMEOUT_SECONDS',
  visibilitySeconds: 'MIDTURN_VISIBILITY_SECONDS',
  retentionDays: 'MIDTURN_RETENTION_DAYS',
  eventRetentionHours: 'MIDTURN_EVENT_RETENTION_HOURS',
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
  if (props.stageName !== undefined && !/^[A-Za-z0-9_-]{1,128}$/.test(props.stageName)) {
    throw new SettingError(`MIDTURN_STAGE is "${props.stageName}": it must be letters, digits, - or _.`);
  }
  if (props.managementEndpoint !== undefined && !/^https?:\/\/\S+$/.test(props.managementEndpoint)) {
    throw new SettingError(
      `MIDTURN_MANAGEMENT_ENDPOINT is "${props.managementEndpoint}": it must be an http(s) URL with the stage as its path.`,
    );
  }
}

/** What a deployment must choose by name, with what a developer's synth assumes in its place. */
const REQUIRED_ON_DEPLOY = { model: 'demo', auth: 'none' } as const;
export type RequiredSetting = 'MIDTURN_MODEL' | 'MIDTURN_AUTH';

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
  const stageName = text('MIDTURN_STAGE');
  if (stageName !== undefined) props.stageName = stageName;
  const managementEndpoint = text('MIDTURN_MANAGEMENT_ENDPOINT');
  if (managementEndpoint !== undefined) props.managementEndpoint = managementEndpoint;
  const bundles = text('MIDTURN_BUNDLES');
  if (bundles !== undefined) props.bundles = bundles;
  const removal = text('MIDTURN_REMOVAL') ?? 'retain';
  if (removal !== 'retain' && removal !== 'destroy') {
    throw new SettingError(`MIDTURN_REMOVAL is "${removal}": it must be retain or destroy.`);
  }
  props.removalPolicy = removal === 'retain' ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY;
  checkSettings({ ...toEnvironment(props), ...integersAsWritten(text) });
  checkProps(props);
  const missing = (['model', 'auth'] as const).map((prop) => TEXTS[prop]).filter((name) => !text(name));
  return { props, missing };
}

/** So that a complaint quotes what was written, not the NaN that it became. */
function integersAsWritten(text: (name: string) => string | undefined): Record<string, string | undefined> {
  return Object.fromEntries(integerProps.map((prop) => [INTEGERS[prop], text(INTEGERS[prop])]));
}
