import type { LanguageModel } from 'ai';
import type { PromptCache } from '../../config/settings/models.ts';
import type { Model } from '../../core/model.ts';
import type { AgentDefinition } from '../agent/agent-definition.ts';
import type { CallbackQueue } from '../agent/callbacks.ts';
import { priceOf } from '../agent/prices.ts';
import { ownTools, type ToolSource } from '../mcp/tool-source.ts';
import { CallCallbacks } from './call-callbacks.ts';
import { identityOf, peculiaritiesOf } from './peculiarities.ts';
import { createSdkModel, type SdkModelOptions } from './sdk-model.ts';

/** What a model over the AI SDK is given beside its provider's own settings. */
export interface SdkModelConfig {
  /** The source of the tools. Default: the agent's own tools. */
  tools?: ToolSource;
  /** When requests are marked for the provider's prompt cache. Default: `auto`. */
  promptCache?: PromptCache;
  /** Tokens that one model call may write, if the agent's settings name none. */
  maxOutputTokens?: number;
  /** The agent's callbacks. */
  callbacks?: CallbackQueue;
  /** Logs a problem of a call that continues. */
  warn?: SdkModelOptions['warn'];
  /** Values that must not be logged. */
  secrets?: Iterable<string>;
}

/** A model of any provider's package, with the agent's instructions, settings and tools. */
export async function sdkModelOf(
  languageModel: LanguageModel,
  { provider, name }: { provider: string; name: string },
  agent: AgentDefinition,
  {
    tools = ownTools(agent),
    promptCache = 'auto',
    maxOutputTokens,
    callbacks,
    warn = () => {},
    secrets = [],
  }: SdkModelConfig,
): Promise<Model> {
  const shared = {
    agent,
    tools,
    ...(maxOutputTokens !== undefined && { maxOutputTokens }),
    ...(callbacks?.isEmpty === false && { callbacks: new CallCallbacks(callbacks) }),
    warn,
    secrets,
  };
  const optionsOf = async (model: LanguageModel, identity: { provider: string; name: string }) => {
    const price = priceOf(agent.prices, identity);
    return {
      ...shared,
      ...identity,
      languageModel: model,
      ...(await peculiaritiesOf(model, promptCache)),
      ...(price && { price }),
    };
  };
  return createSdkModel(await optionsOf(languageModel, { provider, name }), (model) =>
    optionsOf(model, identityOf(model)),
  );
}
