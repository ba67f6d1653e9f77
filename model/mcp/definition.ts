import { isTrustworthy } from '../../config/settings.ts';
import type { ToolPolicy } from '../agent/tool-policy.ts';

/** An MCP server whose tools are the agent's, by Streamable HTTP. Its policy holds for each of its tools. */
export interface McpServerDefinition extends ToolPolicy {
  /** `https://…` (plain http on a loopback address alone). The setting `MIDTURN_MCP_URLS` can name another one per stage. */
  url: string;
  /** Sent with every request. They are part of the bundle, so none is a secret. */
  headers?: Readonly<Record<string, string>>;
  /**
   * Whether the server wants a token, which is looked up in `MIDTURN_MCP_TOKENS` (on deploy in the secret that
   * `MIDTURN_MCP_TOKENS_SECRET` names): `bearer` sends it as `Authorization: Bearer …`, `header` as that header's whole value.
   */
  token?: 'bearer' | { header: string };
  /** Which of its tools the agent has, by the server's own names. Default: all. */
  tools?: readonly string[];
  /** How long connecting and listing its tools may take. Default: 5. A turn's first model call waits for it. */
  connectSeconds?: number;
}

/** Without an underscore, which divides it from the tool's own name: so no two tools can have the same. */
const SERVER_NAME = /^[A-Za-z0-9-]{1,32}$/;

/** What is wrong with a server's definition, in a sentence. */
export function complaintAbout(
  name: string,
  { url, connectSeconds }: McpServerDefinition,
): string | undefined {
  if (!SERVER_NAME.test(name)) return 'only letters, digits and - are allowed in its name, at most 32.';
  if (!isTrustworthy(url)) return `"${url}" is no https URL (http on a loopback address alone).`;
  if (connectSeconds !== undefined && !(connectSeconds > 0 && connectSeconds <= 30)) {
    return 'connectSeconds must be above 0 and at most 30.';
  }
  return undefined;
}

/** The name under which the model knows a server's tool. */
export const mcpToolName = (server: string, tool: string): string => `${server}_${tool}`;

/** The server that a tool of this name would be of. */
export const serverOf = (toolName: string): string => toolName.slice(0, Math.max(0, toolName.indexOf('_')));
