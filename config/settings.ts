/**
 * The settings of design §8. The same names at deploy time and locally; each is checked at synth and again at start, and
 * a bad value is named in one line.
 */

export type Environment = Readonly<Record<string, string | undefined>>;

export type ModelChoice =
  | { provider: 'demo' }
  | { provider: 'bedrock' | 'openai-compatible' | 'anthropic'; modelId: string };

export type AuthChoice = 'none' | 'tokens' | 'jwt';

export interface Limits {
  /** Messages that wait in one lane's inbox. */
  inboxMessages: number;
  /** Bytes of content that wait in one lane. */
  inboxBytes: number;
  /** Turns of a session, the running one included. */
  sessionTurns: number;
  /** How long a turn may wait for its session. */
  queueTimeoutSeconds: number;
}

/**
 * What `delivery: steer` may steer: the turn of the sender's own lane, or, where that has none, also the session's running
 * turn, whichever of its connections set it off.
 */
const STEER_SCOPES = ['connection', 'session'] as const;
export type SteerScope = (typeof STEER_SCOPES)[number];

/** Whose questions an answer may stand for: nobody's, those of the same principal, or those of its tenant. */
const CACHE_SCOPES = ['off', 'principal', 'tenant'] as const;
type CacheScope = (typeof CACHE_SCOPES)[number];

export interface TurnSettings {
  /** Model calls without a new user message in between. */
  maxSteps: number;
  /** Window in which streamed text is gathered into one event; the first goes at once. */
  flushMs: number;
  /** A model that sends nothing for so long is cut. */
  stallMs: number;
  /** What earlier turns may take of a prompt, by estimate. */
  contextTokens: number;
  /** How long a tool call waits for a person’s approval before it counts as denied. */
  approvalSeconds: number;
  /** How long an invocation waits for a person: then the turn is set down, and looked at from time to time. */
  approvalHoldMs: number;
  /** Whose questions an answer may stand for, and for how long. */
  cache: { scope: CacheScope; hours: number };
  /** The turn function's own time limit. */
  turnTimeoutSeconds: number;
  /** Visibility time of a turn's message while a worker is alive: how soon a dead worker is replaced. */
  visibilitySeconds: number;
}

/** Of one principal, over all its connections, in one minute; 0: no limit. */
export interface Rates {
  framesPerMinute: number;
  connectionsPerMinute: number;
}

/** How a JWT is judged. */
export interface JwtSettings {
  issuer: string;
  audience: string;
  /** Where the issuer's keys are; undefined: its discovery document says. */
  jwksUri: string | undefined;
  /** The claim that names the tenant: as it is spelled, else a path whose parts are joined by dots. */
  tenantClaim: string;
}

const LOG_LEVELS = ['DEBUG', 'INFO', 'WARN', 'ERROR', 'SILENT'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export interface Retention {
  transcriptDays: number;
  eventHours: number;
}

export class SettingError extends Error {
  override readonly name = 'SettingError';
}

interface Range {
  fallback: number;
  min: number;
  max: number;
}

export const INTEGERS = {
  MIDTURN_INBOX_LIMIT: { fallback: 64, min: 1, max: 1000 },
  // A DynamoDB item ends at 400 KB, and the lane holds more than its inbox.
  MIDTURN_INBOX_BYTES: { fallback: 131_072, min: 1024, max: 262_144 },
  MIDTURN_SESSION_QUEUE_LIMIT: { fallback: 8, min: 1, max: 100 },
  // SQS delays a message by 15 minutes at most.
  MIDTURN_SESSION_QUEUE_TIMEOUT_SECONDS: { fallback: 30, min: 1, max: 900 },
  MIDTURN_FRAMES_PER_MINUTE: { fallback: 1200, min: 0, max: 1_000_000 },
  MIDTURN_CONNECTIONS_PER_MINUTE: { fallback: 60, min: 0, max: 1_000_000 },
  MIDTURN_MAX_STEPS: { fallback: 16, min: 1, max: 1000 },
  MIDTURN_FLUSH_MS: { fallback: 100, min: 0, max: 5000 },
  MIDTURN_MODEL_STALL_SECONDS: { fallback: 60, min: 1, max: 900 },
  MIDTURN_APPROVAL_TIMEOUT_SECONDS: { fallback: 120, min: 5, max: 3600 },
  MIDTURN_APPROVAL_HOLD_SECONDS: { fallback: 30, min: 0, max: 30 },
  MIDTURN_RESPONSE_CACHE_HOURS: { fallback: 24, min: 1, max: 720 },
  MIDTURN_CONTEXT_TOKENS: { fallback: 100_000, min: 0, max: 2_000_000 },
  // Lambda ends at 15 minutes.
  MIDTURN_TURN_TIMEOUT_SECONDS: { fallback: 300, min: 10, max: 900 },
  MIDTURN_VISIBILITY_SECONDS: { fallback: 60, min: 2, max: 900 },
  MIDTURN_RETENTION_DAYS: { fallback: 30, min: 1, max: 3650 },
  MIDTURN_EVENT_RETENTION_HOURS: { fallback: 24, min: 1, max: 720 },
} as const satisfies Record<string, Range>;

export type IntegerName = keyof typeof INTEGERS;

function integer(env: Environment, name: IntegerName): number {
  const { fallback, min, max } = INTEGERS[name];
  const text = env[name];
  if (text === undefined || text === '') return fallback;
  const value = Number(text);
  if (!Number.isInteger(value) || value < min || value > max) {
    throw new SettingError(`${name} is "${text}": it must be a whole number from ${min} to ${max}.`);
  }
  return value;
}

export function readLimits(env: Environment): Limits {
  return {
    inboxMessages: integer(env, 'MIDTURN_INBOX_LIMIT'),
    inboxBytes: integer(env, 'MIDTURN_INBOX_BYTES'),
    sessionTurns: integer(env, 'MIDTURN_SESSION_QUEUE_LIMIT'),
    queueTimeoutSeconds: integer(env, 'MIDTURN_SESSION_QUEUE_TIMEOUT_SECONDS'),
  };
}

export const readSteerScope = (env: Environment): SteerScope =>
  oneOf(env, 'MIDTURN_STEER_SCOPE', STEER_SCOPES);

/** One of these words; the first where none is set. */
function oneOf<Word extends string>(env: Environment, name: string, words: readonly [Word, ...Word[]]): Word {
  const text = env[name] || words[0];
  const word = words.find((known) => known === text);
  if (word) return word;
  throw new SettingError(`${name} is "${text}": it must be one of ${words.join(', ')}.`);
}

export function readTurnSettings(env: Environment): TurnSettings {
  return {
    maxSteps: integer(env, 'MIDTURN_MAX_STEPS'),
    flushMs: integer(env, 'MIDTURN_FLUSH_MS'),
    stallMs: integer(env, 'MIDTURN_MODEL_STALL_SECONDS') * 1000,
    contextTokens: integer(env, 'MIDTURN_CONTEXT_TOKENS'),
    approvalSeconds: integer(env, 'MIDTURN_APPROVAL_TIMEOUT_SECONDS'),
    approvalHoldMs: integer(env, 'MIDTURN_APPROVAL_HOLD_SECONDS') * 1000,
    cache: {
      scope: oneOf(env, 'MIDTURN_RESPONSE_CACHE', CACHE_SCOPES),
      hours: integer(env, 'MIDTURN_RESPONSE_CACHE_HOURS'),
    },
    turnTimeoutSeconds: integer(env, 'MIDTURN_TURN_TIMEOUT_SECONDS'),
    visibilitySeconds: integer(env, 'MIDTURN_VISIBILITY_SECONDS'),
  };
}

export function readRates(env: Environment): Rates {
  return {
    framesPerMinute: integer(env, 'MIDTURN_FRAMES_PER_MINUTE'),
    connectionsPerMinute: integer(env, 'MIDTURN_CONNECTIONS_PER_MINUTE'),
  };
}

export function readLogLevel(env: Environment): LogLevel {
  const text = env.MIDTURN_LOG_LEVEL || 'INFO';
  const level = LOG_LEVELS.find((known) => known === text.toUpperCase());
  if (level) return level;
  throw new SettingError(`MIDTURN_LOG_LEVEL is "${text}": it must be one of ${LOG_LEVELS.join(', ')}.`);
}

export function readRetention(env: Environment): Retention {
  return {
    transcriptDays: integer(env, 'MIDTURN_RETENTION_DAYS'),
    eventHours: integer(env, 'MIDTURN_EVENT_RETENTION_HOURS'),
  };
}

const MODEL_FORM = 'demo, bedrock:<model id>, openai-compatible:<model id> or anthropic:<model id>';

/** One of the models that a turn may call, and how its provider is reached. */
export interface ModelAccess {
  choice: ModelChoice;
  baseUrl: string | undefined;
  apiKey: string | undefined;
  /** Name or ARN of the secret that holds the key. */
  apiKeySecret: string | undefined;
}

/** The settings of a model, and of the one that takes over where it fails. */
export const MODEL_SETTINGS = ['MIDTURN_MODEL', 'MIDTURN_FALLBACK_MODEL'] as const;
type ModelSetting = (typeof MODEL_SETTINGS)[number];

/** The model, and the second one if there is one. */
export function readModels(env: Environment): [ModelAccess, ...ModelAccess[]] {
  const first = readAccess(env, 'MIDTURN_MODEL');
  if (!env.MIDTURN_FALLBACK_MODEL) return [first];
  return [first, readAccess(env, 'MIDTURN_FALLBACK_MODEL', first)];
}

/** Without words of its own about access, a second model of the same provider is reached as the first. */
function readAccess(env: Environment, setting: ModelSetting, like?: ModelAccess): ModelAccess {
  const choice = readModelChoice(env, setting);
  const own = {
    baseUrl: env[`${setting}_BASE_URL`] || undefined,
    apiKey: env[`${setting}_API_KEY`] || undefined,
    apiKeySecret: env[`${setting}_API_KEY_SECRET`] || undefined,
  };
  const hasOwn = Object.values(own).some((value) => value !== undefined);
  // All of it or nothing: a key must not go to another address than the one that it is for.
  const access =
    like && like.choice.provider === choice.provider && !hasOwn ? { ...like, choice } : { ...own, choice };
  if (choice.provider === 'openai-compatible' && !access.baseUrl)
    throw new SettingError(`${setting}_BASE_URL is not set: an openai-compatible model needs it.`);
  return access;
}

function readModelChoice(env: Environment, setting: ModelSetting): ModelChoice {
  const text = env[setting];
  if (!text) throw new SettingError(`${setting} is not set: it must be ${MODEL_FORM}.`);
  if (text === 'demo') return { provider: 'demo' };
  const colon = text.indexOf(':');
  const provider = text.slice(0, colon);
  const modelId = text.slice(colon + 1);
  if (
    colon > 0 &&
    modelId &&
    (provider === 'bedrock' || provider === 'openai-compatible' || provider === 'anthropic')
  )
    return { provider, modelId };
  throw new SettingError(`${setting} is "${text}": it must be ${MODEL_FORM}.`);
}

export function readAuthChoice(env: Environment): AuthChoice {
  const text = env.MIDTURN_AUTH;
  if (!text) throw new SettingError('MIDTURN_AUTH is not set: it must be jwt, tokens or none.');
  if (text === 'none') return text;
  if (text === 'tokens') {
    if (!env.MIDTURN_TOKENS && !env.MIDTURN_TOKENS_SECRET) {
      throw new SettingError('MIDTURN_TOKENS is not set: auth by tokens needs token=tenant/subject,…');
    }
    return text;
  }
  if (text === 'jwt') {
    readJwtSettings(env);
    return text;
  }
  throw new SettingError(`MIDTURN_AUTH is "${text}": it must be jwt, tokens or none.`);
}

export function readJwtSettings(env: Environment): JwtSettings {
  const { MIDTURN_JWT_ISSUER: issuer, MIDTURN_JWT_AUDIENCE: audience, MIDTURN_JWT_JWKS_URI: jwksUri } = env;
  if (!issuer) throw new SettingError('MIDTURN_JWT_ISSUER is not set: auth by jwt needs it.');
  if (!audience) throw new SettingError('MIDTURN_JWT_AUDIENCE is not set: auth by jwt needs it.');
  for (const [name, url] of Object.entries({ MIDTURN_JWT_ISSUER: issuer, MIDTURN_JWT_JWKS_URI: jwksUri })) {
    if (url && !isTrustworthy(url)) {
      throw new SettingError(
        `${name} is "${url}": it must be an https URL (http on a loopback address alone).`,
      );
    }
  }
  return {
    issuer,
    audience,
    jwksUri: jwksUri || undefined,
    tenantClaim: env.MIDTURN_JWT_TENANT_CLAIM || 'tenant',
  };
}

/** Addresses of MCP servers by their name in the agent's definition, whose own they take the place of: `server=url,…`. */
export function readMcpUrls(env: Environment): Readonly<Record<string, string>> {
  const entries = (env.MIDTURN_MCP_URLS ?? '')
    .split(',')
    .filter((entry) => entry.trim() !== '')
    .map((entry) => {
      const [, server, url] = /^([A-Za-z0-9-]+)=(\S+)$/.exec(entry.trim()) ?? [];
      if (server && url && isTrustworthy(url)) return [server, url] as const;
      throw new SettingError(
        `MIDTURN_MCP_URLS has "${entry.trim()}": it must be server=url,… with https (http on a loopback address alone).`,
      );
    });
  return Object.fromEntries(entries);
}

const LOOPBACK = new Set(['127.0.0.1', '[::1]', 'localhost']);

/** Keys that came over a line which others can write on would prove nothing; a loopback address is this very machine. */
export function isTrustworthy(text: string): boolean {
  const url = URL.parse(text);
  return (
    url !== null && (url.protocol === 'https:' || (url.protocol === 'http:' && LOOPBACK.has(url.hostname)))
  );
}

/** Checks all settings at once, as synth and start do. */
export function checkSettings(env: Environment): void {
  readLimits(env);
  readSteerScope(env);
  readTurnSettings(env);
  readRates(env);
  readRetention(env);
  readLogLevel(env);
  readModels(env);
  readMcpUrls(env);
  readAuthChoice(env);
}
