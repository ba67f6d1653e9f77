import type { FlexibleSchema, StopCondition, ToolLoopAgentSettings, ToolSet } from 'ai';
import type { McpServerDefinition } from '../mcp/definition.ts';
import type { AgentDefinition } from './agent-definition.ts';
import type { GivenTools, SdkTool } from './agent-tools.ts';
import type { PrepareCall } from './call-types.ts';
import type { CallbackName } from './callbacks.ts';
import type { AgentOutput } from './output.ts';
import type { Context } from './sdk-options.ts';

/**
 * An agent, as `defineAgent` takes it. Its types follow from those of its tools, of its runtime context and of its call options, as
 * in the AI SDK's `ToolLoopAgentSettings`. Tools of MCP servers are known by the beginning of their names.
 */
export interface AgentOptions<
  CALL_OPTIONS = never,
  RUNTIME_CONTEXT extends Context = Context,
  TOOLS extends GivenTools = GivenTools,
  SERVERS extends string = string,
> extends Omit<AgentDefinition, GenericOption>,
    Pick<Settings<RUNTIME_CONTEXT, NoInfer<ToolsOf<TOOLS, SERVERS>>>, ToolsOption> {
  instructions?: AgentDefinition['instructions'];
  /** What the options of a message are. One that does not fit is refused with `OPTIONS_INVALID`, and nothing of it is stored. */
  callOptionsSchema?: FlexibleSchema<CALL_OPTIONS>;
  /**
   * Other settings, instructions and contexts for one turn, of who asks and of its options. It is asked once, when the turn
   * begins, and what it changes is committed with the turn's start.
   *
   * @example prepareCall: ({ options, ...call }) => ({ ...call, temperature: options.precise ? 0 : 1 })
   */
  prepareCall?: PrepareCall<CALL_OPTIONS, NoInfer<RUNTIME_CONTEXT>, NoInfer<ToolsOf<TOOLS, SERVERS>>>;
  /** State that `prepareCall`, `prepareStep` and `stopWhen` are given. It is not in the prompt. */
  runtimeContext?: RUNTIME_CONTEXT;
  /**
   * Ends the turn after a step whose tools gave their results: one of these conditions of the AI SDK is true of the turn's steps. A
   * pending message goes on with it. `MIDTURN_MAX_STEPS` holds as well.
   */
  stopWhen?:
    | Condition<TOOLS, SERVERS, RUNTIME_CONTEXT>
    | readonly Condition<TOOLS, SERVERS, RUNTIME_CONTEXT>[];
  /**
   * Tools of the AI SDK by the name that the model calls: letters, digits, `_` and `-`, at most 64 characters. One with a policy
   * stands as `{ tool, … }`.
   */
  tools?: TOOLS;
  /** What tools are given as `context`, by their names, or a part of it: `prepareCall` may give the rest, and who asks is added. */
  toolsContext?: ContextsOf<NoInfer<SdkTools<TOOLS>>>;
  /**
   * MCP servers by name: letters, digits and `-`. Their tools are called `<server>_<tool>` (`mcpToolName`). The name of an own tool
   * must not begin with `<server>_`.
   */
  mcp?: Readonly<Record<SERVERS, McpServerDefinition>>;
}

/** The AI SDK's own of an agent's tools, without what stands beside them. */
type SdkTools<TOOLS extends GivenTools> = { -readonly [N in keyof TOOLS]: SdkToolOf<TOOLS[N]> };
type SdkToolOf<T> = T extends { tool: infer Own extends SdkTool } ? Own : T extends SdkTool ? T : never;
/** With those of MCP servers. */
type ToolsOf<TOOLS extends GivenTools, SERVERS extends string> = SdkTools<TOOLS> & {
  [N in `${SERVERS}_${string}`]: SdkTool;
};

type Settings<RUNTIME_CONTEXT extends Context, TOOLS extends ToolSet> = ToolLoopAgentSettings<
  never,
  TOOLS,
  NoInfer<RUNTIME_CONTEXT>,
  AgentOutput
>;

type Condition<
  TOOLS extends GivenTools,
  SERVERS extends string,
  RUNTIME_CONTEXT extends Context,
> = StopCondition<NoInfer<ToolsOf<TOOLS, SERVERS>>, NoInfer<RUNTIME_CONTEXT>>;

type ContextsOf<TOOLS extends ToolSet> = {
  readonly [N in keyof TOOLS]?: Partial<ContextOf<ToolLoopAgentSettings<never, TOOLS>['toolsContext'], N>>;
};
type ContextOf<CONTEXTS, N> = N extends keyof CONTEXTS ? CONTEXTS[N] : object;

/** Options with the types that the AI SDK gives them, of the agent's tools and its runtime context. */
type ToolsOption =
  | CallbackName
  | 'activeTools'
  | 'toolOrder'
  | 'toolChoice'
  | 'prepareStep'
  | 'toolApproval'
  | 'repairToolCall'
  | 'telemetry';

type GenericOption =
  | ToolsOption
  | 'instructions'
  | 'tools'
  | 'stopWhen'
  | 'callOptionsSchema'
  | 'prepareCall'
  | 'runtimeContext'
  | 'toolsContext'
  | 'mcp';
