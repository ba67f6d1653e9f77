import type {
  FlexibleSchema,
  Instructions,
  PrepareStepFunction,
  TelemetryOptions,
  ToolCallRepairFunction,
  ToolSet,
} from 'ai';
import { ownValue } from '../../core/own-value.ts';
import { complaintAbout, type McpServerDefinition, serverOf } from '../mcp/definition.ts';
import type { ToolApproval } from '../tools/tool-approval.ts';
import { type AgentModel, complaintAboutModel } from './agent-model.ts';
import { type AgentTool, isRunByProvider } from './agent-tools.ts';
import type { BudgetFunction } from './budget.ts';
import type { InstructionsFunction, PrepareCall } from './call-types.ts';
import type { Callbacks } from './callbacks.ts';
import type { CompactionOptions } from './compaction.ts';
import { type AgentHooks, complaintAboutHooks } from './hooks.ts';
import type { StopWhen } from './loop-control.ts';
import type { AgentOutput } from './output.ts';
import { complaintAboutPrices, type Prices } from './prices.ts';
import type { Context, PassedOptions, ToolChoiceOption } from './sdk-options.ts';
import type { TitleOptions } from './titles.ts';
import { TOOL_NAME } from './tool-name.ts';
import type { ToolPolicy } from './tool-policy.ts';
import { complaintAboutWriter } from './writer.ts';

/**
 * Sampling settings. They are passed to the provider unchanged; it ignores or rejects those that its model does not
 * support.
 */
export interface AgentSettings {
  temperature?: number;
  topP?: number;
  topK?: number;
  maxOutputTokens?: number;
  presencePenalty?: number;
  frequencyPenalty?: number;
  stopSequences?: string[];
  seed?: number;
}

/** A checked agent. */
export interface AgentDefinition extends PassedOptions, Callbacks {
  /**
   * The model, as the AI SDK names it, or a function that makes it. It answers where `MIDTURN_MODEL` is `agent`.
   *
   * @example model: async ({ secret, fetch }) => createOpenAI({ apiKey: await secret('midturn/openai'), fetch })('gpt-5')
   */
  model?: AgentModel;
  /** Continues a turn whose model fails before any of its answer is visible, where `MIDTURN_FALLBACK_MODEL` names no other. */
  fallbackModel?: AgentModel;
  /**
   * The system prompt: a text, or system messages with options of a provider, or a function that makes them of who asks. It is
   * asked once, when a turn begins, so that a prompt depends only on the transcript, the settings, and what was committed (P11).
   * Providers cache prompts from their first byte on: what differs from turn to turn belongs at the end.
   */
  instructions: Instructions | InstructionsFunction;
  /** Sampling settings, which may also stand beside the others as in the AI SDK. */
  settings?: AgentSettings;
  /** Whether the model has to call a tool, or which. In the last step that is allowed it answers. Default: `auto`. */
  toolChoice?: ToolChoiceOption;
  /**
   * Summarises what does not fit into prompts any more (`MIDTURN_CONTEXT_TOKENS`), beside the turns. Without it, prompts leave the
   * oldest turns out. `{}` takes the defaults.
   *
   * @example compaction: { model: anthropic('claude-haiku-4-5') }
   */
  compaction?: CompactionOptions;
  /**
   * A model writes the title of a session after its first answer, beside the turns, unless somebody has named the session. `{}` takes
   * the defaults.
   *
   * @example titles: { model: anthropic('claude-haiku-4-5') }
   */
  titles?: TitleOptions;
  /** What models cost. With a price for each model that a turn calls, `done`, metrics and the log say what it cost. */
  prices?: Prices;
  /**
   * What whoever asks may use in a day: turns, tokens, money. It goes before the settings `MIDTURN_PRINCIPAL_DAY_TURNS` and so on.
   *
   * @example budget: ({ claims }) => ({ cost: claims.plan === 'pro' ? 5 : 0.5 })
   */
  budget?: BudgetFunction;
  /**
   * Ends the turn after a step whose tools gave their results: one of these conditions of the AI SDK is true of the turn's steps. A
   * pending message goes on with it. `MIDTURN_MAX_STEPS` holds as well.
   */
  stopWhen?: StopWhen;
  /**
   * Other settings, instructions, tools or messages for one model call. It is asked before each call, also before one that is repeated,
   * and what it returns holds for this call alone.
   */
  prepareStep?: PrepareStepFunction<ToolSet>;
  /**
   * The form of answers, as `Output` of the AI SDK makes it. The provider is told it, the text streams as any other, and `done` has the
   * value (`output`). An answer that does not have the form ends its turn with `OUTPUT_INVALID`.
   */
  output?: AgentOutput;
  /**
   * Code at five points of a turn: it may refuse messages, refuse or change calls and outputs, and is told of steps and of the turn's
   * end.
   *
   * @example hooks: { beforeToolCall: ({ toolCall, caller }) => (mayCall(caller, toolCall) ? undefined : { refuse: 'Not allowed.' }) }
   */
  hooks?: AgentHooks;
  /** Spans of model calls, as the AI SDK makes them. */
  telemetry?: TelemetryOptions;
  /**
   * Which calls run, are denied, or wait for a user: a function about each call, or what holds for a tool by its name. It goes before
   * `needsApproval` of a tool.
   */
  toolApproval?: ToolApproval;
  /** How many calls of a step may run at the same time. Default: all. */
  toolCallConcurrency?: number;
  /** Repairs a call whose input does not fit, before it is committed. Returns the call, or null: the model is told. */
  repairToolCall?: ToolCallRepairFunction<ToolSet>;
  callOptionsSchema?: FlexibleSchema<never>;
  prepareCall?: PrepareCall<never, Context>;
  runtimeContext?: Context;
  /** What tools are given as `context`, by their names. It is in the agent's code: a worker that takes over has it too. */
  toolsContext?: ToolsContext;
  /** Tools by the name that the model calls. */
  tools: Readonly<Record<string, AgentTool<AgentDefinition>>>;
  /**
   * MCP servers by name: letters, digits and `-`. Their tools are called `<server>_<tool>` (`mcpToolName`). The name of an own tool
   * must not begin with `<server>_`.
   */
  mcp?: Readonly<Record<string, McpServerDefinition>>;
}

/** By the tools' names. A tool's `contextSchema` checks what it is given. */
type ToolsContext = Readonly<Record<string, object | undefined>>;

export type AgentErrorCode =
  /** An option would have no effect. */
  | 'OPTION_UNSUPPORTED'
  | 'PRICES_INVALID'
  | 'COMPACTION_INVALID'
  | 'HOOKS_INVALID'
  | 'TITLES_INVALID'
  | 'MCP_INVALID'
  | 'TOOL_INVALID'
  | 'AGENTS_INVALID'
  /** What stands for a model cannot be called by the AI SDK. */
  | 'MODEL_UNSUPPORTED'
  /** The settings ask for the agent's model, and it names none. */
  | 'MODEL_MISSING';

export class AgentDefinitionError extends Error {
  override readonly name = 'AgentDefinitionError';
  readonly code: AgentErrorCode;

  constructor(code: AgentErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

/** @throws {AgentDefinitionError} for a mistake */
export function checked(definition: AgentDefinition): AgentDefinition {
  for (const which of ['model', 'fallbackModel'] as const) {
    const named = definition[which];
    // What a function gives is checked when it has given it.
    const complaint =
      named === undefined || typeof named === 'function' ? undefined : complaintAboutModel(named);
    if (complaint) throw new AgentDefinitionError('MODEL_UNSUPPORTED', `${which}: ${complaint}`);
  }
  const unsummarised = definition.compaction && complaintAboutWriter(definition.compaction);
  if (unsummarised) throw new AgentDefinitionError('COMPACTION_INVALID', `compaction: ${unsummarised}`);
  const untitled = definition.titles && complaintAboutWriter(definition.titles);
  if (untitled) throw new AgentDefinitionError('TITLES_INVALID', `titles: ${untitled}`);
  const unhooked = definition.hooks && complaintAboutHooks(definition.hooks);
  if (unhooked) throw new AgentDefinitionError('HOOKS_INVALID', `hooks: ${unhooked}`);
  const { toolCallConcurrency: most } = definition;
  if (most !== undefined && !(Number.isInteger(most) && most > 0))
    throw new AgentDefinitionError('TOOL_INVALID', 'toolCallConcurrency must be a whole number above 0.');
  const complaint = definition.prices && complaintAboutPrices(definition.prices);
  if (complaint) throw new AgentDefinitionError('PRICES_INVALID', `prices: ${complaint}`);
  for (const [name, policy] of Object.entries(definition.mcp ?? {})) {
    const complaint = complaintAbout(name, policy) ?? complaintAboutPolicy(policy);
    if (complaint) throw new AgentDefinitionError('MCP_INVALID', `MCP server "${name}": ${complaint}`);
  }
  const { toolApproval = {} } = definition;
  const unknown = Object.keys(toolApproval).find((name) => policyOf(definition, name) === undefined);
  if (unknown !== undefined)
    throw new AgentDefinitionError('TOOL_INVALID', `toolApproval: there is no tool "${unknown}".`);
  for (const [name, { tool, subagent, ...policy }] of Object.entries(definition.tools)) {
    if (!TOOL_NAME.test(name)) {
      throw new AgentDefinitionError(
        'TOOL_INVALID',
        `Tool name "${name}": only letters, digits, _ and - are allowed, at most 64.`,
      );
    }
    const currency = subagent?.agent.prices?.currency;
    if (currency !== undefined && definition.prices && currency !== definition.prices.currency)
      throw new AgentDefinitionError(
        'PRICES_INVALID',
        `Tool "${name}": the prices of its agent are in ${currency}, and those of this one in ${definition.prices.currency}.`,
      );
    if (isRunByProvider(tool)) {
      const without = RUN_HERE.filter((option) => policy[option] !== undefined);
      if (without.length > 0)
        throw new AgentDefinitionError(
          'TOOL_INVALID',
          `Tool "${name}" is run by the model's provider: ${without.join(', ')} would have no effect.`,
        );
      continue;
    }
    if (!tool.execute) {
      const without = RUN_BY_US.filter((option) => policy[option] !== undefined);
      if (without.length > 0)
        throw new AgentDefinitionError(
          'TOOL_INVALID',
          `Tool "${name}" has no execute function, so that a client runs it: ${without.join(', ')} would have no effect.`,
        );
    }
    const complaint = complaintAboutPolicy(policy) ?? complaintAboutSchema(tool.inputSchema);
    if (complaint) throw new AgentDefinitionError('TOOL_INVALID', `Tool "${name}": ${complaint}`);
    if (definition.mcp && Object.hasOwn(definition.mcp, serverOf(name))) {
      throw new AgentDefinitionError(
        'TOOL_INVALID',
        `Tool name "${name}": what begins with "${serverOf(name)}_" is a tool of the MCP server "${serverOf(name)}".`,
      );
    }
  }
  return definition;
}

/** What a policy says of calls that run in the function. */
const RUN_BY_US = ['idempotent', 'abortable', 'forwardToken'] as const;
/** What a policy says of calls that this turn waits for. */
const RUN_HERE = [
  'needsApproval',
  'always',
  'idempotent',
  'abortable',
  'forwardToken',
  'timeoutSeconds',
] as const;

function complaintAboutPolicy({ timeoutSeconds }: ToolPolicy): string | undefined {
  return timeoutSeconds !== undefined && !(timeoutSeconds > 0 && timeoutSeconds <= 900)
    ? 'timeoutSeconds must be above 0 and at most 900, the longest that a function runs.'
    : undefined;
}

/**
 * Returns what is wrong with a tool's schema. A Standard Schema validates, but the model needs a JSON Schema, which
 * some libraries have in a separate package.
 */
function complaintAboutSchema(schema: unknown): string | undefined {
  if (typeof schema !== 'object' || schema === null || !('~standard' in schema)) return undefined;
  const { vendor, jsonSchema } = schema['~standard'] as { vendor?: unknown; jsonSchema?: unknown };
  return vendor === 'zod' || jsonSchema !== undefined
    ? undefined
    : `its schema, of ${vendor}, has no JSON Schema that a model could be told (for valibot, wrap it in toStandardJsonSchema of @valibot/to-json-schema).`;
}

/**
 * Returns the policy of a tool by its name. An MCP server's policy applies to all its tools, so that no server has to
 * be asked.
 */
export function policyOf(agent: AgentDefinition, name: string): ToolPolicy | undefined {
  const server = serverOf(name);
  return findTool(agent, name) ?? ownValue(agent.mcp, server);
}

/**
 * Returns the agent's own tool of that name. Inherited properties do not count, because the model chooses the name.
 */
export function findTool(
  agent: { tools: Readonly<Record<string, AgentTool>> },
  name: string,
): AgentTool | undefined {
  return ownValue(agent.tools, name);
}
