import type { ToolSet } from 'ai';
import type { ToolPolicy } from './tool-policy.ts';

/** A tool of the AI SDK: of `tool()`, `dynamicTool()` or an MCP client. */
export type SdkTool = ToolSet[string];

/** A tool beside what the turn has to know of it. `AGENT`: what `agentTool` takes as an agent. */
export interface AgentTool<AGENT = unknown> extends ToolPolicy {
  /**
   * An AI SDK tool with a schema, from `tool()`, `dynamicTool()` or an MCP client; without `execute`, a client runs it;
   * or one that the model's provider runs itself, as `anthropic.tools.webSearch_20250305()`.
   */
  tool: SdkTool;
  /** Of `agentTool`: which agent a call asks, and what. Its `execute` is not called. */
  subagent?: {
    agent: AGENT;
    // The parameter is `never`, so that a function may declare the type of its tool's input.
    prompt(input: never): string | PromiseLike<string>;
  };
}

/** Whether the model's provider runs it, and no call of it comes here. */
export const isRunByProvider = (tool: SdkTool): boolean =>
  tool.type === 'provider' && tool.isProviderExecuted;

/** Whether a client runs it: the turn asks for its output. */
export const isRunByClient = ({ tool }: AgentTool): boolean => !isRunByProvider(tool) && !tool.execute;

/** As `defineAgent` takes them: the AI SDK's own, or with a policy. */
export type GivenTools = Readonly<Record<string, AgentTool | SdkTool>>;

/** Each tool with its policy. What the policy leaves open, the AI SDK's tool says. */
export function withPolicies(tools: GivenTools): Record<string, AgentTool> {
  return Object.fromEntries(Object.entries(tools).map(([name, given]) => [name, withPolicy(given)]));
}

function withPolicy(given: AgentTool | SdkTool): AgentTool {
  const own: AgentTool = isSdkTool(given) ? { tool: given } : given;
  const { needsApproval = own.tool.needsApproval } = own;
  return { ...own, ...(needsApproval !== undefined && { needsApproval }) };
}

const isSdkTool = (given: AgentTool | SdkTool): given is SdkTool => !('tool' in given);
