import { isSendable, KEY_FORM, type ModelChoice, type RemoteProvider } from '../../config/settings/models.ts';
import type { Model } from '../../core/model.ts';
import { SecretError } from '../../core/secret-error.ts';
import type { AgentDefinition } from '../agent/agent-definition.ts';
import { ownTools, type ToolSource } from '../mcp/tool-source.ts';
import { mendChatCompletions, providerFetch } from './provider-fetch.ts';
import type { SdkModelOptions } from './sdk-model.ts';

export interface ModelConfig {
  /** Required for `openai-compatible`. For the others, a proxy or a test's server instead of the provider. */
  baseUrl?: string;
  /**
   * For `openai-compatible` optional, sent as a bearer token. For `bedrock` unused, because it signs with IAM. For the others
   * required.
   */
  apiKey?: string;
  /** For `bedrock` only. Default: `AWS_REGION`. */
  region?: string;
  fetch?: typeof globalThis.fetch;
  /** For `openai-compatible` only. False: `stream_options` is left out, for servers that refuse it. Default: true. */
  streamUsage?: boolean;
  /** Tokens that one model call may write, if the agent's settings name none. */
  maxOutputTokens?: number;
  /** The source of the tools. Default: the agent's own tools. */
  tools?: ToolSource;
  /** Logs a problem of a call that continues. */
  warn?: SdkModelOptions['warn'];
}

type RemoteChoice = Exclude<ModelChoice, { provider: 'demo' }>;

/** What a provider takes in a request. */
type Peculiarities = Pick<SdkModelOptions, 'forbidToolsBy' | 'callIds' | 'images' | 'providerOptions'>;

const PECULIARITIES: Readonly<Record<RemoteProvider, Peculiarities>> = {
  // Its API has no "no tools" setting, and its package would drop all calls and results from the prompt. It takes an image as
  // bytes or as an object in S3, and fetches no URL.
  bedrock: { forbidToolsBy: 'instruction', callIds: 'plain', images: 'inline' },
  anthropic: { forbidToolsBy: 'choice', callIds: 'plain', images: 'all' },
  openai: {
    forbidToolsBy: 'choice',
    callIds: 'plain',
    images: 'all',
    // The transcript is here. What OpenAI stores is gone after 30 days, and in organizations without data retention at once.
    providerOptions: { openai: { store: false } },
  },
  // It takes a URL only with the image's type, which nobody here knows.
  google: { forbidToolsBy: 'choice', callIds: 'any', images: 'inline' },
  // These servers have their own forms of ids, and some require them back unchanged.
  'openai-compatible': { forbidToolsBy: 'choice', callIds: 'any', images: 'all' },
};

/**
 * Makes the configured model. Only that provider's code is loaded, so importing this file is cheap, and a cold start
 * can run this promise in parallel with its first reads.
 *
 * @throws {Error} if `openai-compatible` has no base URL.
 * @throws {SecretError} if the key has characters that no header can have. Wrong credentials show in the first call, as a failure part.
 */
export async function createModel(
  choice: ModelChoice,
  agent: AgentDefinition,
  config: ModelConfig = {},
): Promise<Model> {
  const { tools = ownTools(agent), apiKey } = config;
  if (apiKey !== undefined && !isSendable(apiKey)) {
    throw new SecretError(`The API key of the model cannot be sent: it must be ${KEY_FORM}.`);
  }
  if (choice.provider === 'demo') {
    const { createDemoModel } = await import('../demo/demo-model.ts');
    return createDemoModel({ tools });
  }
  const [{ createSdkModel }, languageModel] = await Promise.all([
    import('./sdk-model.ts'),
    loadLanguageModel(choice, config),
  ]);
  return createSdkModel({
    provider: choice.provider,
    name: choice.modelId,
    languageModel,
    agent,
    tools,
    ...PECULIARITIES[choice.provider],
    ...(config.maxOutputTokens !== undefined && { maxOutputTokens: config.maxOutputTokens }),
    warn: config.warn ?? (() => {}),
    secrets: config.apiKey ? [config.apiKey] : [],
  });
}

async function loadLanguageModel({ provider, modelId }: RemoteChoice, config: ModelConfig) {
  const { baseUrl, apiKey, region, fetch = globalThis.fetch, streamUsage = true } = config;
  const shared = { fetch: providerFetch(fetch), ...(baseUrl && { baseURL: baseUrl }) };
  switch (provider) {
    case 'openai-compatible': {
      if (!baseUrl) throw new Error('An openai-compatible model needs a base URL.');
      const { createOpenAICompatible } = await import('@ai-sdk/openai-compatible');
      return createOpenAICompatible({
        fetch: providerFetch(fetch, mendChatCompletions),
        name: provider,
        baseURL: baseUrl,
        // Without it, most of these servers omit the usage from a stream.
        includeUsage: streamUsage,
        ...(apiKey && { apiKey }),
      })(modelId);
    }
    case 'anthropic': {
      const { createAnthropic } = await import('@ai-sdk/anthropic');
      return createAnthropic({ ...shared, ...(apiKey && { apiKey }) })(modelId);
    }
    case 'openai': {
      const { createOpenAI } = await import('@ai-sdk/openai');
      return createOpenAI({ ...shared, ...(apiKey && { apiKey }) }).responses(modelId);
    }
    case 'google': {
      const { createGoogle } = await import('@ai-sdk/google');
      return createGoogle({ ...shared, ...(apiKey && { apiKey }) })(modelId);
    }
    case 'bedrock': {
      const { createAmazonBedrock } = await import('@ai-sdk/amazon-bedrock');
      return createAmazonBedrock({ ...shared, ...(region && { region }) })(modelId);
    }
  }
}
