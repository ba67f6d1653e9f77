import { dynamicTool, type FlexibleSchema } from 'ai';
import * as z from 'zod/mini';
import { type AgentDefinition, AgentDefinitionError } from './agent-definition.ts';
import { type AgentTool, isRunByClient } from './agent-tools.ts';
import { CALLBACKS } from './callbacks.ts';
import type { ToolPolicy } from './tool-policy.ts';

/** Of a call, where the options name none: an agent makes several model calls. */
const TIMEOUT_SECONDS = 300;

export interface AgentToolOptions<INPUT> extends Omit<ToolPolicy, 'forwardToken'> {
  /** The agent that is asked, of `defineAgent`. It may also be one that clients choose (`defineAgents`). */
  agent: AgentDefinition;
  /** For the model that asks: what the agent is for. */
  description: string;
  /** What the model that asks has to give. @default - `{ task: string }` */
  inputSchema?: FlexibleSchema<INPUT>;
  /** What the agent is asked. @default - `task`, or the input as JSON where there is an `inputSchema` */
  prompt?(input: NoInfer<INPUT>): string | PromiseLike<string>;
}

/**
 * An agent as a tool of another one. A call asks it anew, with nothing of the conversation. What it says and does meanwhile is shown as
 * the progress of the call, as an assistant's `UIMessage` of the AI SDK; the model that asked sees its last text. Its model calls count
 * in the turn's usage and budgets.
 *
 * @throws {AgentDefinitionError} for an agent with tools that wait for a user or a client, or with `callOptionsSchema`
 * @example tools: { research: agentTool({ agent: researcher, description: 'Researches a topic in depth.' }) }
 */
export function agentTool<INPUT = { task: string }>(
  options: AgentToolOptions<INPUT>,
): AgentTool<AgentDefinition> {
  const { agent, description, inputSchema, prompt, ...policy } = options;
  const complaint = complaintAbout(agent);
  if (complaint) throw new AgentDefinitionError('TOOL_INVALID', `agentTool: ${complaint}`);
  return {
    timeoutSeconds: TIMEOUT_SECONDS,
    ...policy,
    tool: dynamicTool({
      description,
      inputSchema: (inputSchema ?? TASK) as FlexibleSchema<unknown>,
      execute: () => {
        throw new Error('An agent can be asked in a turn only.');
      },
    }),
    subagent: { agent, prompt: prompt ?? (inputSchema ? JSON.stringify : taskOf) },
  };
}

const TASK = z.object({
  task: z
    .string()
    .check(z.describe('What to do, with all that is to be known for it: the agent sees nothing else.')),
});

const taskOf = ({ task }: z.infer<typeof TASK>): string => task;

function complaintAbout(agent: AgentDefinition): string | undefined {
  if (typeof agent?.tools !== 'object') return 'agent is none of defineAgent.';
  if (agent.callOptionsSchema)
    return 'an agent with callOptionsSchema cannot be asked: no message has options for it. Pass them in inputSchema and prompt.';
  if (agent.toolApproval) return `an agent with toolApproval ${NOT_ASKED}`;
  for (const [name, own] of Object.entries(agent.tools)) {
    if (own.needsApproval) return `the agent has the tool "${name}" with needsApproval, and ${NOT_ASKED}`;
    if (isRunByClient(own)) return `the agent has the tool "${name}" that a client runs, and ${NOT_ASKED}`;
  }
  const server = Object.entries(agent.mcp ?? {}).find(([, { needsApproval }]) => needsApproval);
  return server && `the agent has the MCP server "${server[0]}" with needsApproval, and ${NOT_ASKED}`;
}

const NOT_ASKED = 'cannot be asked: its tools wait for nobody. Put such a tool beside agentTool.';

/** Of turns of its own: nobody is told of them, and nothing is written beside them. */
const OF_TURNS: ReadonlySet<string> = new Set([...CALLBACKS, 'titles', 'compaction', 'budget']);

/** The agent as it is asked by another one: with that one's models and prices if it has none of its own. */
export function asSubagent(
  agent: AgentDefinition,
  { model, fallbackModel, prices }: AgentDefinition,
): AgentDefinition {
  const own = Object.fromEntries(Object.entries(agent).filter(([option]) => !OF_TURNS.has(option)));
  return {
    ...(prices && { prices }),
    ...(model !== undefined &&
      agent.model === undefined && { model, ...(fallbackModel !== undefined && { fallbackModel }) }),
    ...own,
    // The compiler knows no keys of `Object.fromEntries`.
  } as AgentDefinition;
}
