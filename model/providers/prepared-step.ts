import type { LanguageModel, ModelMessage, PrepareStepFunction, ToolSet } from 'ai';
import type { Caller, StepFacts } from '../../core/model.ts';
import type { AgentOfTurn } from '../agent/call-preparation.ts';
import { mergedByProvider } from '../agent/sdk-options.ts';
import { sdkSteps } from '../agent/sdk-steps.ts';

type Agent = AgentOfTurn;

/** What would have to outlive the step, or is a model that events name before the step is prepared. */
const REFUSED = ['model', 'runtimeContext', 'toolsContext', 'experimental_sandbox'] as const;

/**
 * Asks the agent's code for other settings of this call alone.
 *
 * @param messages the prompt. Those of the user that this call is to answer stay, whatever the code returns.
 * @returns the agent as it is in this call, and the call's prompt
 * @throws what the code throws, and an `Error` for what it may not change
 */
export async function preparedStep(
  agent: Agent,
  {
    model,
    messages,
    steps = [],
    caller,
  }: {
    model: LanguageModel;
    messages: ModelMessage[];
    steps?: readonly StepFacts[] | undefined;
    caller: Caller | undefined;
  },
): Promise<{ agent: Agent; messages: ModelMessage[] }> {
  if (!agent.prepareStep) return { agent, messages };
  const asked = messages.findLastIndex(({ role }) => role === 'user') + 1;
  const { runtimeContext = {}, toolsContext = {} } = agent;
  const asking = {
    steps: sdkSteps(steps, { runtimeContext, toolsContext }),
    stepNumber: steps.length,
    model,
    instructions: agent.instructions,
    initialInstructions: agent.instructions,
    messages,
    initialMessages: messages.slice(0, asked),
    responseMessages: messages.slice(asked).filter(({ role }) => role !== 'user') as ResponseMessages,
    toolsContext,
    runtimeContext,
    ...(caller && { caller }),
  };
  const prepared = await agent.prepareStep(asking);
  const refused = REFUSED.find((option) => prepared?.[option] !== undefined);
  if (refused) throw new Error(`prepareStep cannot change ${refused} here.`);
  const {
    messages: chosen = messages,
    system,
    instructions = system,
    providerOptions = {},
    ...settings
  } = prepared ?? {};
  const given = Object.entries({ ...settings, instructions }).filter(([, value]) => value !== undefined);
  return {
    agent: {
      ...agent,
      ...Object.fromEntries(given),
      providerOptions: mergedByProvider(agent.providerOptions ?? {}, providerOptions),
    },
    messages: withAsked(chosen, messages),
  };
}

type ResponseMessages = Parameters<PrepareStepFunction<ToolSet>>[0]['responseMessages'];

/** With the user's messages at the prompt's end, which nobody has answered. */
function withAsked(chosen: ModelMessage[], messages: readonly ModelMessage[]): ModelMessage[] {
  const fresh = messages.slice(messages.findLastIndex(({ role }) => role !== 'user') + 1);
  const kept = new Set(chosen.map((message) => JSON.stringify([message.role, message.content])));
  return [...chosen, ...fresh.filter(({ role, content }) => !kept.has(JSON.stringify([role, content])))];
}
