import type { ModelChoice } from '../../config/settings.ts';
import type { Model } from '../../core/model.ts';
import type { AgentDefinition } from '../agent/agent-definition.ts';
import { ownTools, type ToolSource } from '../mcp/tool-source.ts';
import type { SdkModelOptions } from './sdk-model.ts';

export interface ModelConfig {
  /** Required for `openai-compatible`; for the others, a proxy or a test's server instead of the provider's own. */
  baseUrl?: string;
  /** `openai-compatible`: optional, sent as a bearer token. `anthropic`: required. `bedrock`: unused, it signs by IAM. */
  apiKey?: string;
  /** `bedrock` alone; `AWS_REGION` if absent. */
  region?: string;
  fetch?: typeof globalThis.fetch;
  /** Where the agent's tools come from. Default: its own alone. */
  tools?: ToolSource;
  /** For what an operator should know of a call that went on. */
  warn?: SdkModelOptions['warn'];
}

type RemoteChoice = Exclude<ModelChoice, { provider: 'demo' }>;

/**
 * The configured model. Only the chosen provider's code is loaded: importing this file costs next to nothing, and a cold
 * start can let this promise run beside its first reads.
 *
 * @throws Error when `openai-compatible` has no base URL. Bad credentials show in the first call, as a failure part.
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
    // Bedrock's API knows no "no tools", and its provider then drops every call and result from the prompt.
    forbidToolsBy: choice.provider === 'bedrock' ? 'instruction' : 'choice',
    // The servers that imitate OpenAI's each have their own, and some want it back as it was.
    callIds: choice.provider === 'openai-compatible' ? 'any' : 'plain',
    // Bedrock's API takes bytes, or an object in S3, and fetches nothing.
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
        // Without it, such servers leave the usage out of a stream.
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
