import { isTrustworthy, read } from './read.ts';
import { type Environment, SettingError, type SettingTable } from './setting.ts';

/** Which models answer, how their providers are called, and the MCP servers of the agent. */

export type ModelChoice =
  | { provider: 'demo' }
  /** The model that the agent's code names. `name` is passed to that code. */
  | { provider: 'agent'; name?: string }
  | { provider: RemoteProvider; modelId: string };

/** Providers of models that `MIDTURN_MODEL` can name, and what their access takes. */
const REMOTE = {
  bedrock: { key: 'none' },
  anthropic: { key: 'needed' },
  openai: { key: 'needed' },
  google: { key: 'needed' },
  'openai-compatible': { key: 'possible' },
} as const satisfies Record<string, { key: 'none' | 'needed' | 'possible' }>;

export type RemoteProvider = keyof typeof REMOTE;

/** Whether a model is called with the key and the URL of the settings, and whether it cannot do without a key. */
export const keyOf = ({ provider }: ModelChoice): 'none' | 'needed' | 'possible' =>
  isRemote(provider) ? REMOTE[provider].key : 'none';

const isRemote = (provider: string): provider is RemoteProvider => Object.hasOwn(REMOTE, provider);

const MODEL = {
  pattern: /^(demo|agent|(agent|bedrock|anthropic|openai|google|openai-compatible):.+)$/,
  form: 'demo, agent, agent:<name>, bedrock:<model id>, anthropic:<model id>, openai:<model id>, google:<model id> or openai-compatible:<model id>',
} as const;

export const MODEL_SETTINGS = {
  /**
   * The model that answers: `demo`, or a provider and its id of the model, as in `anthropic:claude-sonnet-4-5`. Providers are
   * `bedrock`, `anthropic`, `openai` (Responses API), `google` (Gemini API), and `openai-compatible` (chat completions). `agent`:
   * the model that `agent/agent.ts` names; a name after it is passed to that code.
   */
  model: {
    name: 'MIDTURN_MODEL',
    kind: 'text',
    ...MODEL,
    localDefault: 'demo',
    functions: ['turn'],
  },
  /** Base URL of the model's API, for example `https://models.example.com/v1`. An `openai-compatible` model needs it. */
  modelBaseUrl: {
    name: 'MIDTURN_MODEL_BASE_URL',
    kind: 'url',
    protocol: 'any',
    unset: "the provider's own",
    when: 'the model takes a key',
    functions: ['turn'],
  },
  /** API key of the model's provider. */
  modelApiKey: {
    name: 'MIDTURN_MODEL_API_KEY',
    kind: 'secret',
    onDeploy: 'MIDTURN_MODEL_API_KEY_SECRET',
    when: 'the model takes a key',
    functions: ['turn'],
  },
  /** The secret that contains the API key of the model's provider. Models of `anthropic`, `openai` and `google` need it on deploy. */
  modelApiKeySecret: {
    name: 'MIDTURN_MODEL_API_KEY_SECRET',
    kind: 'secret name',
    when: 'the model takes a key',
    functions: ['turn'],
  },
  /**
   * The order of roles that the model takes. `alternating`: user and assistant take turns, as Mistral's models and templates
   * like Gemma's want it. Not set, it is found by itself, at the cost of one refused call in each session.
   */
  modelRoles: {
    name: 'MIDTURN_MODEL_ROLES',
    kind: 'choice',
    choices: ['any', 'alternating'],
    default: 'any',
    functions: ['turn'],
  },
  /** Whether usage is requested by `stream_options`. `off` for servers that refuse it: their tokens count as 0. */
  modelStreamUsage: {
    name: 'MIDTURN_MODEL_STREAM_USAGE',
    kind: 'choice',
    choices: ['on', 'off'],
    default: 'on',
    functions: ['turn'],
  },
  /**
   * Whether requests are marked for the provider's prompt cache. `auto`: those of Anthropic, and of Claude and Nova on Bedrock;
   * `on`: also those of other models on Bedrock, such as one behind the ARN of an inference profile; `off`: none. Other providers
   * cache without a mark.
   */
  modelPromptCache: {
    name: 'MIDTURN_MODEL_PROMPT_CACHE',
    kind: 'choice',
    choices: ['auto', 'on', 'off'],
    default: 'auto',
    functions: ['turn'],
  },
  /** Tokens that one model call may write, if the agent's settings name no `maxOutputTokens`. */
  modelMaxOutputTokens: {
    name: 'MIDTURN_MODEL_MAX_OUTPUT_TOKENS',
    kind: 'integer',
    unit: 'tokens',
    range: [1, 1_000_000],
    unset: "the provider's own limit; 4,096 for a model that the package of `anthropic` does not know",
    functions: ['turn'],
  },
  /**
   * The model that continues a turn if `MIDTURN_MODEL` fails before any of its answer is visible, in the same form. If both
   * have the same provider and none of the three settings below is set, it is called with the first model's URL and key. `agent`:
   * the fallback model that `agent/agent.ts` names. Not set, that one is taken if `MIDTURN_MODEL` is `agent`.
   */
  fallbackModel: {
    name: 'MIDTURN_FALLBACK_MODEL',
    kind: 'text',
    ...MODEL,
    unset: 'none: the turn ends with an error',
    functions: ['turn'],
  },
  /** Base URL of the fallback model's API. */
  fallbackModelBaseUrl: {
    name: 'MIDTURN_FALLBACK_MODEL_BASE_URL',
    kind: 'url',
    protocol: 'any',
    unset: "the provider's own",
    when: 'the fallback model takes a key',
    functions: ['turn'],
  },
  /** API key of the fallback model's provider. */
  fallbackModelApiKey: {
    name: 'MIDTURN_FALLBACK_MODEL_API_KEY',
    kind: 'secret',
    onDeploy: 'MIDTURN_FALLBACK_MODEL_API_KEY_SECRET',
    when: 'the fallback model takes a key',
    functions: ['turn'],
  },
  /** The secret that contains the API key of the fallback model's provider. */
  fallbackModelApiKeySecret: {
    name: 'MIDTURN_FALLBACK_MODEL_API_KEY_SECRET',
    kind: 'secret name',
    when: 'the fallback model takes a key',
    functions: ['turn'],
  },
} as const satisfies SettingTable;

/** What the agent's code may use. */
export const AGENT_SETTINGS = {
  /** Secrets that the agent's code may read, by `secret(name)` where it makes its model. */
  agentSecrets: {
    name: 'MIDTURN_AGENT_SECRETS',
    kind: 'secret names',
    // Characters of names and ARNs. "=" is left to what it separates.
    pattern: /^[\w/+.@:-]+(=[\w/+.@:-]+)?(\s*,\s*[\w/+.@:-]+(=[\w/+.@:-]+)?)*$/,
    form: 'names or ARNs of secrets with commas between, also as name=name or name=ARN',
    functions: ['turn'],
  },
  /** Models of Bedrock that the agent's code may call, beside those that `MIDTURN_MODEL` and `MIDTURN_FALLBACK_MODEL` name. */
  agentBedrockModels: {
    name: 'MIDTURN_AGENT_BEDROCK_MODELS',
    kind: 'text',
    form: 'model ids, ids of inference profiles or ARNs, with commas between',
    pattern: /^[\w.:/-]+(\s*,\s*[\w.:/-]+)*$/,
    functions: ['turn'],
  },
} as const satisfies SettingTable;

/** Names or ARNs of secrets, by the names under which they are read. Of a checked text. */
export const secretNamesIn = (text: string): ReadonlyMap<string, string> =>
  new Map(
    text.split(',').map((entry) => {
      const [name = '', id = name] = entry.trim().split('=');
      return [name, id] as const;
    }),
  );

/** Names or ARNs of secrets, by the names that the agent's code uses. */
export function readAgentSecrets(env: Environment): ReadonlyMap<string, string> {
  const text = read(env, AGENT_SETTINGS.agentSecrets);
  return text === undefined ? new Map() : secretNamesIn(text);
}

export const readAgentBedrockModels = (env: Environment): string[] =>
  (read(env, AGENT_SETTINGS.agentBedrockModels) ?? '')
    .split(',')
    .map((id) => id.trim())
    .filter(Boolean);

export const MCP_SETTINGS = {
  /** URLs of MCP servers, `server=url,…`. A URL replaces the one in the agent's definition, so that each stage can have its own. */
  mcpUrls: {
    name: 'MIDTURN_MCP_URLS',
    kind: 'text',
    form: '`server=url,…` with https (http on a loopback address)',
    unset: "those in the agent's definition",
    functions: ['turn'],
  },
  /** Tokens of the agent's MCP servers: `server=token,…`. */
  mcpTokens: {
    name: 'MIDTURN_MCP_TOKENS',
    kind: 'secret',
    onDeploy: 'MIDTURN_MCP_TOKENS_SECRET',
    functions: ['turn'],
  },
  /** The secret that contains the tokens of the agent's MCP servers: `server=token,…`. */
  mcpTokensSecret: { name: 'MIDTURN_MCP_TOKENS_SECRET', kind: 'secret name', functions: ['turn'] },
} as const satisfies SettingTable;

/** A model that a turn may call, and how its provider is reached. */
export interface ModelAccess {
  choice: ModelChoice;
  baseUrl: string | undefined;
  apiKey: string | undefined;
  /** Name or ARN of the secret that contains the key. */
  apiKeySecret: string | undefined;
  /** Whether prompts for it need roles that alternate. */
  alternates: boolean;
  streamUsage: boolean;
  promptCache: PromptCache;
  maxOutputTokens: number | undefined;
}

/** When requests are marked for the provider's prompt cache. */
export type PromptCache = (typeof MODEL_SETTINGS.modelPromptCache.choices)[number];

const OWN_ACCESS = {
  model: {
    baseUrl: MODEL_SETTINGS.modelBaseUrl,
    apiKey: MODEL_SETTINGS.modelApiKey,
    apiKeySecret: MODEL_SETTINGS.modelApiKeySecret,
  },
  fallbackModel: {
    baseUrl: MODEL_SETTINGS.fallbackModelBaseUrl,
    apiKey: MODEL_SETTINGS.fallbackModelApiKey,
    apiKeySecret: MODEL_SETTINGS.fallbackModelApiKeySecret,
  },
} as const;

/** The model, and the fallback model if there is one. With `agent`, the agent's code may name a fallback model or none. */
export function readModels(env: Environment): [ModelAccess, ...ModelAccess[]] {
  const { model, fallbackModel } = MODEL_SETTINGS;
  const choice = read(env, model);
  if (!choice) throw new SettingError(`${model.name} is not set: it must be ${MODEL.form}.`);
  const first = readAccess(env, 'model', choiceOf(choice));
  const fallback = read(env, fallbackModel) ?? (first.choice.provider === 'agent' ? 'agent' : undefined);
  return fallback ? [first, readAccess(env, 'fallbackModel', choiceOf(fallback), first)] : [first];
}

export const KEY_FORM = 'visible ASCII characters, without spaces or line breaks';
/** Whether a key can be sent in an HTTP header. */
export const isSendable = (key: string): boolean => /^[\x21-\x7e]+$/.test(key);

function readKey(env: Environment, setting: (typeof OWN_ACCESS)[keyof typeof OWN_ACCESS]['apiKey']) {
  const key = read(env, setting);
  if (key === undefined || isSendable(key)) return key;
  // Without the value: it is a secret.
  throw new SettingError(`${setting.name} cannot be sent: it must be ${KEY_FORM}.`);
}

/** @param like the access of a model whose URL and key can be used too, if this one has the same provider and none of its own */
function readAccess(
  env: Environment,
  which: keyof typeof OWN_ACCESS,
  choice: ModelChoice,
  like?: ModelAccess,
): ModelAccess {
  const settings = OWN_ACCESS[which];
  const own = {
    // Not through `read`, which checks it: at synth it may be a reference, which is no URL yet.
    baseUrl: env[settings.baseUrl.name] || undefined,
    apiKey: readKey(env, settings.apiKey),
    apiKeySecret: read(env, settings.apiKeySecret),
  };
  const alternates = which === 'model' && read(env, MODEL_SETTINGS.modelRoles) === 'alternating';
  const hasOwn = Object.values(own).some((value) => value !== undefined);
  // All three of the other model or none: a key must not be sent to another URL than the one that it is for.
  const isLike = like && like.choice.provider === choice.provider && !hasOwn;
  const access = {
    ...(isLike ? like : own),
    choice,
    alternates,
    streamUsage: read(env, MODEL_SETTINGS.modelStreamUsage) === 'on',
    promptCache: read(env, MODEL_SETTINGS.modelPromptCache),
    maxOutputTokens: read(env, MODEL_SETTINGS.modelMaxOutputTokens),
  };
  if (choice.provider === 'openai-compatible' && !access.baseUrl) {
    throw new SettingError(`${settings.baseUrl.name} is not set: an openai-compatible model needs it.`);
  }
  return access;
}

/** Of a text that matches the pattern of models. */
function choiceOf(text: string): ModelChoice {
  const [, provider = text, modelId] = /^([^:]+):(.+)$/.exec(text) ?? [];
  if (provider === 'agent') return { provider, ...(modelId && { name: modelId }) };
  return modelId && isRemote(provider) ? { provider, modelId } : { provider: 'demo' };
}

/**
 * URLs of MCP servers by their name in the agent's definition, whose URLs they replace.
 * @throws {SettingError} for the first entry that is no name and trustworthy URL
 */
export function readMcpUrls(env: Environment): Readonly<Record<string, string>> {
  const { mcpUrls } = MCP_SETTINGS;
  const entries = (read(env, mcpUrls) ?? '').split(',').map((entry) => entry.trim());
  return Object.fromEntries(
    entries.filter(Boolean).map((entry) => {
      const [, server, url] = /^([A-Za-z0-9-]+)=(\S+)$/.exec(entry) ?? [];
      if (server && url && isTrustworthy(url)) return [server, url] as const;
      throw new SettingError(
        `${mcpUrls.name} has "${entry}": it must be server=url,… with https (http on a loopback address alone).`,
      );
    }),
  );
}
