import type { LanguageModel } from 'ai';
import type { Model } from '../../core/model.ts';
import { type AgentDefinition, AgentDefinitionError } from '../agent/agent-definition.ts';
import { complaintAboutModel, type ModelContext } from '../agent/agent-model.ts';
import { identityOf } from './peculiarities.ts';
import type { SdkModelConfig } from './sdk-model-of.ts';

/** Which of the agent's models. */
export type NamedModel = 'model' | 'fallbackModel';

/**
 * Makes the model that the agent's code names.
 *
 * @param config `secrets` must hold what `context.secret` has given
 * @throws {AgentDefinitionError} if the code names none, or something that the AI SDK cannot call
 */
export async function createAgentModel(
  which: NamedModel,
  agent: AgentDefinition,
  context: ModelContext,
  config: SdkModelConfig,
): Promise<Model> {
  const [{ sdkModelOf }, languageModel] = await Promise.all([
    import('./sdk-model-of.ts'),
    languageModelOf(which, agent, context),
  ]);
  return sdkModelOf(languageModel, identityOf(languageModel), agent, config);
}

async function languageModelOf(
  which: NamedModel,
  agent: AgentDefinition,
  context: ModelContext,
): Promise<LanguageModel> {
  const named = agent[which];
  if (named === undefined) {
    throw new AgentDefinitionError(
      'MODEL_MISSING',
      `The agent's code has no ${which}, and the settings ask for it.`,
    );
  }
  const model = typeof named === 'function' ? await named(context) : named;
  const complaint = complaintAboutModel(model);
  if (complaint) throw new AgentDefinitionError('MODEL_UNSUPPORTED', `${which}: ${complaint}`);
  return model;
}
