import type { ModelChoice } from '../../config/settings/models.ts';
import type { Model } from '../../core/model.ts';
import type { AgentDefinition } from '../agent/agent-definition.ts';
import { ownTools, type ToolSource } from '../mcp/tool-source.ts';
import type { SdkModelOptions } from './sdk-model.ts';

export interface ModelConfig {
  /** Required for `openai-compatible`. For the others, a proxy or a test's server instead of the provider. */
  baseUrl?: string;
  /**
   * For `openai-compatible` optional, sent as a bearer token. For `anthropic` required. For `bedrock` unused, because
   * it signs with IAM.
   */
  apiKey?: string;
  /** For `bedrock` only. Default: `AWS_REGION`. */
  region?: string;
  fetch?: typeof globalThis.fetch;
  /** The source of the tools. Default: the agent's own tools. */
  tools?: ToolSource;
  /** Logs a problem of a call that continues. */
  warn?: SdkModelOptions['warn'];
}

type RemoteChoice = Exclude<ModelChoice, { provider: 'demo' }>;

/**
 * Makes the configured model. Only that provider's code is loaded, so importing this file is cheap, and a cold start
 * can run this promise in parallel with its first reads.
 *
 * @throws {Error} if `openai-compatible` has no base URL. Wrong credentials show in the first call, as a failure part.
 */
export async function createModel(
  choice: ModelChoice,
  agent: AgentDefinition,
  config: ModelConfig = {},
): Promise<Model> {
  const { tools = ownTools(agent) } = config;
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
    // Bedrock's API has no "no tools" setting, and its provider would drop all calls and results from the prompt.
    forbidToolsBy: choice.provider === 'bedrock' ? 'instruction' : 'choice',
    // Compatible servers have their own forms of ids, and some require them back unchanged.
    callIds: choice.provider === 'openai-compatible' ? 'any' : 'plain',
    // Bedrock's API takes bytes or an S3 object, and fetches no URL.
    images: choice.provider === 'bedrock' ? 'inline' : 'all',
    warn: config.warn ?? (() => {}),
    secrets: config.apiKey ? [config.apiKey] : [],
  });
}

async function loadLanguageModel({ provider, modelId }: RemoteChoice, config: ModelConfig) {
  const { baseUrl, apiKey, region, fetch } = config;
  const shared = { ...(fetch && { fetch }) };
  switch (provider) {
    case 'openai-compatible': {
      if (!baseUrl) throw new Error('An openai-compatible model needs a base URL.');
      const { createOpenAICompatible } = await import('@ai-sdk/openai-compatible');
      return createOpenAICompatible({
        ...shared,
        name: provider,
        baseURL: baseUrl,
        // Without it, these servers omit the usage from a stream.
        includeUsage: true,
        ...(apiKey && { apiKey }),
      })(modelId);
    }
    case 'anthropic': {
      const { createAnthropic } = await import('@ai-sdk/anthropic');
      return createAnthropic({
        ...shared,
        ...(baseUrl && { baseURL: baseUrl }),
        ...(apiKey && { apiKey }),
      })(modelId);
    }
    case 'bedrock': {
      const { createAmazonBedrock } = await import('@ai-sdk/amazon-bedrock');
      return createAmazonBedrock({
        ...shared,
        ...(baseUrl && { baseURL: baseUrl }),
        ...(region && { region }),
      })(modelId);
    }
  }
}
