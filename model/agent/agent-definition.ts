import type { ToolSet } from 'ai';
import * as z from 'zod/mini';
import { complaintAbout, type McpServerDefinition, serverOf } from '../mcp/definition.ts';
import type { ToolPolicy } from './tool-policy.ts';

/** Sampling settings, passed to the provider as they are; those that a model does not know, it ignores or refuses. */
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

export interface AgentTool extends ToolPolicy {
  /** An AI SDK tool with a schema and an `execute`, from `tool()`, `dynamicTool()` or an MCP client. */
  tool: ToolSet[string];
}

export interface AgentDefinition {
  /** The system prompt. A plain text, so that the prompt stays a function of transcript and settings (P11). */
  instructions: string;
  settings?: AgentSettings;
  /** By the name that the model calls: letters, digits, `_` and `-`, at most 64. */
  tools: Readonly<Record<string, AgentTool>>;
  /**
   * MCP servers by name: letters, digits and `-`. Their tools are called `<server>_<tool>`; no tool of the agent's own may begin
   * like that.
   */
  mcp?: Readonly<Record<string, McpServerDefinition>>;
}

/**
 * The `contextSchema` of a tool that wants our part of its call: `execute(input, { context })` then has
 * `context.idempotencyKey`, which is the same whenever the same call is run again.
 */
export const toolContext = z.object({ idempotencyKey: z.string() });

export type ToolContext = z.infer<typeof toolContext>;

export class AgentDefinitionError extends Error {
  override readonly name = 'AgentDefinitionError';
}

// The narrowest rule of the providers: Anthropic's and OpenAI's.
export const TOOL_NAME = /^[A-Za-z0-9_-]{1,64}$/;

/** Checks the definition where it is written, so that a mistake shows at start and not in a turn. */
export function defineAgent(definition: AgentDefinition): AgentDefinition {
  for (const [name, policy] of Object.entries(definition.mcp ?? {})) {
    const complaint = complaintAbout(name, policy) ?? complaintAboutPolicy(policy);
    if (complaint) throw new AgentDefinitionError(`MCP server "${name}": ${complaint}`);
  }
  for (const [name, { tool, ...policy }] of Object.entries(definition.tools)) {
    if (!TOOL_NAME.test(name)) {
      throw new AgentDefinitionError(
        `Tool name "${name}": only letters, digits, _ and - are allowed, at most 64.`,
      );
    }
    // Such a tool is run by a client or by the provider: the turn would wait for its result for ever.
    if (!tool.execute) throw new AgentDefinitionError(`Tool "${name}" has no execute function.`);
    const complaint = complaintAboutPolicy(policy) ?? complaintAboutSchema(tool.inputSchema);
    if (complaint) throw new AgentDefinitionError(`Tool "${name}": ${complaint}`);
    if (definition.mcp && Object.hasOwn(definition.mcp, serverOf(name))) {
      throw new AgentDefinitionError(
        `Tool name "${name}": what begins with "${serverOf(name)}_" is a tool of the MCP server "${serverOf(name)}".`,
      );
    }
  }
  return definition;
}

function complaintAboutPolicy({ timeoutSeconds }: ToolPolicy): string | undefined {
  return timeoutSeconds !== undefined && !(timeoutSeconds > 0 && timeoutSeconds <= 900)
    ? 'timeoutSeconds must be above 0 and at most 900, the longest that a function runs.'
    : undefined;
}

/** A Standard Schema says how to check; a model must be told what to write, which some libraries leave to a package beside. */
function complaintAboutSchema(schema: unknown): string | undefined {
  if (typeof schema !== 'object' || schema === null || !('~standard' in schema)) return undefined;
  const { vendor, jsonSchema } = schema['~standard'] as { vendor?: unknown; jsonSchema?: unknown };
  return vendor === 'zod' || jsonSchema !== undefined
    ? undefined
    : `its schema, of ${vendor}, has no JSON Schema that a model could be told (for valibot, wrap it in toStandardJsonSchema of @valibot/to-json-schema).`;
}

/** What holds for a tool of that name, known without asking an MCP server: its policy is that of its tools. */
export function policyOf(agent: AgentDefinition, name: string): ToolPolicy | undefined {
  const server = serverOf(name);
  return (
    findTool(agent, name) ?? (agent.mcp && Object.hasOwn(agent.mcp, server) ? agent.mcp[server] : undefined)
  );
}

/** The agent's own tool of that name; names come from the model, so inherited properties do not count. */
export function findTool(agent: Pick<AgentDefinition, 'tools'>, name: string): AgentTool | undefined {
  return Object.hasOwn(agent.tools, name) ? agent.tools[name] : undefined;
}
