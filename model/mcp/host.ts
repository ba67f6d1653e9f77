/** What MCP servers need of where they are used. */
export interface McpHost {
  /** Addresses that take the place of those in the agent's definition, by server. */
  urls: Readonly<Record<string, string>>;
  /** @throws Error where there is none, in words for a log. */
  token(server: string): Promise<string>;
  warn(message: string, fields: Record<string, unknown>): void;
  /** Counts. */
  failed(server: string): void;
  /** Milliseconds since the epoch. */
  now(): number;
}
