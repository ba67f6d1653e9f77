import type { LanguageModel, ModelMessage, PrepareStepFunction, ToolSet } from 'ai';
import type { Caller, StepFacts } from '../../core/model.ts';
import { complaintAboutModel } from '../agent/agent-model.ts';
import type { AgentOfTurn } from '../agent/call-preparation.ts';
import { mergedByProvider } from '../agent/sdk-options.ts';
import { sdkSteps } from '../agent/sdk-steps.ts';

/** What would have to outlive the step. */
const REFUSED = ['runtimeContext', 'toolsContext', 'experimental_sandbox'] as const;

/** One model call, as the agent's code prepared it. */
export interface PreparedCall {
  /** The agent as it is in this call. */
  agent: AgentOfTurn;
  /** Undefined: the whole prompt. Those of the user that this call is to answer stay, whatever the code returns. */
  messages?: ModelMessage[];
  /** Undefined: the code names none. */
  model?: LanguageModel;
}

/**
 * Asks the agent's code for another model, and for other settings of this call alone.
 *
 * @param messages the prompt
 * @throws what the code throws, and an `Error` for what it may not change
 */
export async function preparedCall(
  agent: AgentOfTurn,
  prepareStep: PrepareStepFunction<ToolSet>,
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
): Promise<PreparedCall> {
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
    // After the last message of the user, none is the user's.
    responseMessages: messages.slice(asked) as ResponseMessages,
    toolsContext,
    runtimeContext,
    ...(caller && { caller }),
  };
  const prepared = await prepareStep(asking);
  const refused = REFUSED.find((option) => prepared?.[option] !== undefined);
  if (refused) throw new Error(`prepareStep cannot change ${refused} here.`);
  const {
    model: named,
    messages: chosen,
    system,
    instructions = system,
    providerOptions = {},
    ...settings
  } = prepared ?? {};
  const complaint = named === undefined ? undefined : complaintAboutModel(named);
  if (complaint) throw new Error(`prepareStep: model: ${complaint}`);
  const given = Object.entries({ ...settings, instructions }).filter(([, value]) => value !== undefined);
  return {
    agent: {
      ...agent,
      ...Object.fromEntries(given),
      providerOptions: mergedByProvider(agent.providerOptions ?? {}, providerOptions),
    },
    ...(named !== undefined && { model: named }),
    ...(chosen && { messages: withAsked(chosen, messages) }),
  };
}

type ResponseMessages = Parameters<PrepareStepFunction<ToolSet>>[0]['responseMessages'];

/** With the user's messages at the prompt's end, which nobody has answered. */
function withAsked(chosen: ModelMessage[], messages: readonly ModelMessage[]): ModelMessage[] {
  const fresh = messages.slice(messages.findLastIndex(({ role }) => role !== 'user') + 1);
  const kept = new Set(chosen.map((message) => JSON.stringify([message.role, message.content])));
  return [...chosen, ...fresh.filter(({ role, content }) => !kept.has(JSON.stringify([role, content])))];
}
