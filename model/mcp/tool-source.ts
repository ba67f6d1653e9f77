import { memoized } from '../../core/memoized.ts';
import type { AgentDefinition, AgentTool } from '../agent/agent-definition.ts';
import type { McpHost } from './host.ts';
import type { McpServer, McpTools } from './mcp-server.ts';

/** The tools that the agent has at this moment. The same object until they change. */
export interface OfferedTools {
  tools: Readonly<Record<string, AgentTool>>;
  /** MCP servers that have not told their tools yet. */
  missing: readonly string[];
}

export interface ToolSource {
  /** Never rejects; waits for MCP servers, each for its `connectSeconds` at most. */
  offered(): Promise<OfferedTools>;
}

/** Of an agent without MCP servers: its own tools. */
export function ownTools({ tools }: AgentDefinition): ToolSource {
  const offered: OfferedTools = { tools, missing: [] };
  return { offered: async () => offered };
}

/**
 * The agent's own tools and those of its MCP servers. The client's code is loaded only where there are any. A server that does
 * not answer is left out: an answer without its tools is more use to somebody than none, and the model is told what is missing.
 */
export function createToolSource(agent: AgentDefinition, host: McpHost): ToolSource {
  const defined = Object.entries(agent.mcp ?? {});
  if (defined.length === 0) return ownTools(agent);
  const servers = memoized(async () => {
    const { McpServer } = await import('./mcp-server.ts');
    return defined.map(([name, definition]) => new McpServer(name, definition, host));
  });
  let last: { lists: readonly (McpTools | undefined)[]; offered: OfferedTools } | undefined;
  return {
    async offered() {
      const all: readonly McpServer[] = await servers();
      const lists = await Promise.all(all.map((server) => server.tools()));
      if (last && lists.every((list, i) => list === last?.lists[i])) return last.offered;
      const missing = all.flatMap(({ name }, i) => (lists[i] ? [] : [name]));
      last = { lists, offered: { tools: Object.assign({}, ...lists, agent.tools), missing } };
      return last.offered;
    },
  };
}
