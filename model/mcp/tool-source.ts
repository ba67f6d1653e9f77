import { memoized } from '../../core/memoized.ts';
import type { UserToken } from '../../core/model.ts';
import type { AgentDefinition } from '../agent/agent-definition.ts';
import type { AgentTool } from '../agent/agent-tools.ts';
import type { McpHost } from './host.ts';
import type { McpServer, McpTools } from './mcp-server.ts';

/** The agent's current tools. The object stays the same until they change. */
export interface OfferedTools {
  tools: Readonly<Record<string, AgentTool>>;
  /** MCP servers whose tools are not known yet. */
  missing: readonly string[];
}

export interface ToolSource {
  /**
   * Never rejects. Waits for each MCP server at most its `connectSeconds`.
   *
   * @param token of who asks, for servers that answer nobody else. Undefined: nobody asks, and such a server is not asked.
   */
  offered(token?: UserToken): Promise<OfferedTools>;
}

/** The tools of an agent without MCP servers. */
export function ownTools({ tools }: AgentDefinition): ToolSource {
  const offered: OfferedTools = { tools, missing: [] };
  return { offered: async () => offered };
}

/**
 * The agent's own tools and those of its MCP servers. The MCP client is loaded only if there are servers. A server that
 * does not answer is left out, and the model is told which tools are missing: an answer without them is better than
 * none.
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
    async offered(token) {
      const all: readonly McpServer[] = await servers();
      const lists = await Promise.all(all.map((server) => server.tools(token)));
      if (last && lists.every((list, i) => list === last?.lists[i])) return last.offered;
      const missing = all.flatMap(({ name }, i) => (lists[i] ? [] : [name]));
      last = { lists, offered: { tools: Object.assign({}, ...lists.map(byName), agent.tools), missing } };
      return last.offered;
    },
  };
}

/** In one order, whichever the server lists them in: providers cache prompts from their first byte on, and tools come first. */
const byName = (list: McpTools | undefined): McpTools =>
  Object.fromEntries(Object.entries(list ?? {}).toSorted(([a], [b]) => (a < b ? -1 : 1)));
