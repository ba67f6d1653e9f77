import { createHash } from 'node:crypto';
import { isTrustworthy } from '../../config/settings/read.ts';
import type { Caller } from '../../core/model.ts';
import { MAX_TOOL_NAME, TOOL_NAME } from '../agent/tool-name.ts';
import type { ToolPolicy } from '../agent/tool-policy.ts';

export type McpHeaders = Readonly<Record<string, string>>;

/** An MCP server over Streamable HTTP. The agent has its tools, and this policy applies to each of them. */
export interface McpServerDefinition extends ToolPolicy {
  /**
   * An `https://` URL (plain `http` for a loopback address only). The setting `MIDTURN_MCP_URLS` replaces it per stage.
   */
  url: string;
  /**
   * Sent with every request. They are part of the bundle, so they must not contain secrets. A function makes them of who asks:
   * each caller then has a session of its own with the server. The server is asked for its tools without a caller, since all
   * callers have the same ones.
   */
  headers?: McpHeaders | ((turn: { caller: Caller | undefined }) => McpHeaders | Promise<McpHeaders>);
  /**
   * How a token is sent, if the server needs one: `bearer` as `Authorization: Bearer …`, `header` as the value of that
   * header. The token is read from `MIDTURN_MCP_TOKENS` or, on AWS, from the secret that `MIDTURN_MCP_TOKENS_SECRET`
   * names.
   */
  token?: 'bearer' | { header: string };
  /**
   * Whether the server may ask the user something in the midst of a call: MCP's elicitation, by forms and addresses, as of the version
   * 2026-07-28. The turn waits as it does for an approval. Your clients must show questions (`elicitation_request`), or the user has nothing
   * to answer, and each one is cancelled when its time is over. An older server is not told that it could ask.
   *
   * @default false
   */
  elicitation?: boolean;
  /** The server's tools that the agent has, by the server's names. Default: all. */
  tools?: readonly string[];
  /**
   * Time limit in seconds for connecting and listing the tools. Default: 5. A turn's first model call waits for it.
   */
  connectSeconds?: number;
  /** The largest answer of the server that is read, in bytes. The result of a call says so if it is larger. Default: 1 MiB. */
  maxResponseBytes?: number;
  /** The number of the server's tools that are offered to the model: the first ones. The log names others. Default: 64. */
  maxTools?: number;
  /** Names, descriptions and schemas of the offered tools, as bytes of JSON. They are in every prompt. Default: 64 KiB. */
  maxToolBytes?: number;
}

/** No underscore, because that separates the server's name from the tool's name. */
const SERVER_NAME = /^[A-Za-z0-9-]{1,32}$/;

/** Returns what is wrong with a server's definition, as a sentence. */
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

const DIGEST_LENGTH = 8;

/**
 * The name by which the model calls a server's tool. MCP allows names that providers refuse, such as `issues/create` or
 * `admin.users.list`. Such a name gets `_` for what is not allowed, and a digest of the server's name at its end. It depends on
 * nothing but the two names, because it is in the transcript and in approvals that hold for a session.
 *
 * @example
 * mcpToolName('docs', 'search'); // 'docs_search'
 * mcpToolName('docs', 'pages/search'); // 'docs_pages_search_c409f62a'
 */
export function mcpToolName(server: string, tool: string): string {
  const name = `${server}_${tool}`;
  if (TOOL_NAME.test(name)) return name;
  const digest = createHash('sha256').update(tool).digest('hex').slice(0, DIGEST_LENGTH);
  const readable = name.replaceAll(/[^A-Za-z0-9_-]/gu, '_').slice(0, MAX_TOOL_NAME - DIGEST_LENGTH - 1);
  return `${readable}_${digest}`;
}

/** The server's part of a tool's name; empty if it has none. */
export const serverOf = (toolName: string): string => toolName.slice(0, Math.max(0, toolName.indexOf('_')));
