import type { LanguageModel, ModelMessage } from 'ai';
import { memoized } from '../../core/memoized.ts';
import {
  type Model,
  type ModelPart,
  type ModelRequest,
  modelId,
  type PreparedStep,
  type Price,
} from '../../core/model.ts';
import type { AgentDefinition } from '../agent/agent-definition.ts';
import { agentOfTurn } from '../agent/call-preparation.ts';
import { type PreparedCall, preparedCall } from './prepared-step.ts';

/** How calls of one model are made. */
export interface SdkCaller {
  readonly options: {
    provider: string;
    name: string;
    price?: Price;
    languageModel: LanguageModel;
    agent: Omit<AgentDefinition, 'tools'>;
  };
  /** The prompt in the SDK's form, as the model's provider takes it. */
  promptOf(request: ModelRequest): Promise<ModelMessage[]>;
  /** @param prepared what the agent's code has prepared of this call. Undefined: the agent's settings. */
  stream(
    request: ModelRequest,
    signal: AbortSignal,
    alive?: () => void,
    prepared?: PreparedCall,
  ): AsyncIterable<ModelPart>;
}

/** As events and `done` show the model. */
export const namesOf = ({ provider, name, price }: SdkCaller['options']) => ({
  provider,
  name,
  ...(price && { price }),
});

/**
 * `prepareStep` of the agent's code. The code sees the prompt that `first` would be given. A prompt for another model that it names
 * is made anew, without what is `first`'s own; if the code chooses messages too, it is asked again and chooses from that prompt.
 */
export function stepPreparation(
  first: SdkCaller,
  callerOf: (model: LanguageModel) => Promise<SdkCaller>,
): NonNullable<Model['prepareStep']> {
  const { languageModel: model } = first.options;
  const others = new Map<string, () => Promise<SdkCaller>>();
  const instances = new WeakMap<object, () => Promise<SdkCaller>>();
  const other = (named: LanguageModel): Promise<SdkCaller> => {
    const known = typeof named === 'string' ? others.get(named) : instances.get(named);
    if (known) return known();
    const make = memoized(() => callerOf(named));
    if (typeof named === 'string') others.set(named, make);
    else instances.set(named, make);
    return make();
  };
  return async (request, requestFor, keepsModel) => {
    const agent = agentOfTurn(first.options.agent, request.setup);
    const { prepareStep } = agent;
    if (!prepareStep) return stepOf(first, request, { agent });
    const ask = async (caller: SdkCaller, { steps, setup }: ModelRequest, asked: ModelRequest) =>
      preparedCall(agent, prepareStep, {
        model,
        messages: await caller.promptOf(asked),
        steps,
        caller: setup?.caller,
      });
    const prepared = await ask(first, request, request);
    const named = keepsModel ? undefined : prepared.model;
    if (named === undefined || named === model) return stepOf(first, request, prepared);
    const chosen = await other(named);
    const own = requestFor(namesOf(chosen.options));
    if (!prepared.messages) return stepOf(chosen, own, prepared);
    const again = await ask(chosen, request, own);
    const sameModel = again.model !== undefined && isOf(await other(again.model), chosen);
    if (!sameModel) throw new Error('prepareStep names another model each time that it is asked.');
    return stepOf(chosen, own, again);
  };
}

const isOf = (one: SdkCaller, other: SdkCaller): boolean => modelId(one.options) === modelId(other.options);

const stepOf = (caller: SdkCaller, request: ModelRequest, prepared: PreparedCall): PreparedStep => ({
  model: {
    ...namesOf(caller.options),
    stream: (asked, signal, alive) => caller.stream(asked, signal, alive, prepared),
  },
  request,
});
