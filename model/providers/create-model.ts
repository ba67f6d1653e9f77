import { isSendable, KEY_FORM, type ModelChoice } from '../../config/settings/models.ts';
import type { Model } from '../../core/model.ts';
import { SecretError } from '../../core/secret-error.ts';
import type { AgentDefinition } from '../agent/agent-definition.ts';
import { ownTools } from '../mcp/tool-source.ts';
import { mendChatCompletions, mendMessages, providerFetch } from './provider-fetch.ts';
import type { SdkModelConfig } from './sdk-model-of.ts';

export interface ModelConfig extends Omit<SdkModelConfig, 'secrets'> {
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
}

type RemoteChoice = Extract<ModelChoice, { modelId: string }>;
type ConfiguredChoice = RemoteChoice | { provider: 'demo' };

/**
 * Makes the configured model. Only that provider's code is loaded, so importing this file is cheap, and a cold start
 * can run this promise in parallel with its first reads.
 *
 * @throws {Error} if `openai-compatible` has no base URL.
 * @throws {SecretError} if the key has characters that no header can have. Wrong credentials show in the first call, as a
 *   failure part.
 */
export async function createModel(
  choice: ConfiguredChoice,
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
  const [{ sdkModelOf }, languageModel] = await Promise.all([
    import('./sdk-model-of.ts'),
    loadLanguageModel(choice, config),
  ]);
  const identity = { provider: choice.provider, name: choice.modelId };
  return sdkModelOf(languageModel, identity, agent, { ...config, tools, secrets: apiKey ? [apiKey] : [] });
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
        // The provider fetches what it is shown.
        supportedUrls: () => ({ 'image/*': [/^https?:/] }),
        ...(apiKey && { apiKey }),
      })(modelId);
    }
    case 'anthropic': {
      const { createAnthropic } = await import('@ai-sdk/anthropic');
      return createAnthropic({
        ...shared,
        fetch: providerFetch(fetch, mendMessages),
        ...(apiKey && { apiKey }),
      })(modelId);
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
