import type { Instructions, ToolLoopAgentSettings, ToolSet } from 'ai';
import type { Caller } from '../../core/model.ts';
import type { Context } from './sdk-options.ts';

/** Makes the instructions of a turn. They are committed with its start. */
export type InstructionsFunction = (turn: { caller: Caller }) => Instructions | PromiseLike<Instructions>;

type SdkPrepareCall<CALL_OPTIONS, RUNTIME_CONTEXT extends Context> = NonNullable<
  ToolLoopAgentSettings<CALL_OPTIONS, ToolSet, RUNTIME_CONTEXT>['prepareCall']
>;

/** `prepareCall` of the AI SDK's agents, which is also given who asks. */
export type PrepareCall<CALL_OPTIONS, RUNTIME_CONTEXT extends Context> = (
  call: Parameters<SdkPrepareCall<CALL_OPTIONS, RUNTIME_CONTEXT>>[0] & { caller: Caller },
) => ReturnType<SdkPrepareCall<CALL_OPTIONS, RUNTIME_CONTEXT>>;
