/** What MCP servers need of the function that uses them. */
export interface McpHost {
  /** Addresses by server. They replace those of the agent's definition. */
  urls: Readonly<Record<string, string>>;
  /** @throws {Error} if there is none, with a message for the log */
  token(server: string): Promise<string>;
  warn(message: string, fields: Record<string, unknown>): void;
  /** Counts a failure of a server. */
  failed(server: string): void;
  /** Milliseconds since the epoch. */
  now(): number;
}
