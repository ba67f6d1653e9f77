import type { Instructions, ToolLoopAgentSettings, ToolSet } from 'ai';
import type { Caller } from '../../core/model.ts';
import type { Context } from './sdk-options.ts';

/** Makes the instructions of a turn. They are committed with its start. */
export type InstructionsFunction = (turn: { caller: Caller }) => Instructions | PromiseLike<Instructions>;

type SdkPrepareCall<CALL_OPTIONS, RUNTIME_CONTEXT extends Context, TOOLS extends ToolSet> = NonNullable<
  ToolLoopAgentSettings<CALL_OPTIONS, TOOLS, RUNTIME_CONTEXT>['prepareCall']
>;

/** `prepareCall` of the AI SDK's agents, which is also given who asks. */
export type PrepareCall<CALL_OPTIONS, RUNTIME_CONTEXT extends Context, TOOLS extends ToolSet = ToolSet> = (
  call: Parameters<SdkPrepareCall<CALL_OPTIONS, RUNTIME_CONTEXT, TOOLS>>[0] & { caller: Caller },
) => ReturnType<SdkPrepareCall<CALL_OPTIONS, RUNTIME_CONTEXT, TOOLS>>;
