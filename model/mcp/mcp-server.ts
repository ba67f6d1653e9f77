import { createMCPClient, type MCPClient, MCPClientError } from '@ai-sdk/mcp';
import { dynamicTool, jsonSchema } from 'ai';
import { type AgentTool, TOOL_NAME } from '../agent/agent-definition.ts';
import { redact } from '../providers/redact.ts';
import { type McpServerDefinition, mcpToolName } from './definition.ts';
import type { McpHost } from './host.ts';
import { readResult } from './mcp-result.ts';

const DEFAULT_CONNECT_SECONDS = 5;
/** So that a tool which the server no longer has, or has anew, shows within minutes and not with the next deployment. */
const LIST_FOR_MS = 5 * 60_000;
/** A server that is down costs its time limit once in so long, and not with every model call. */
const RETRY_AFTER_MS = 30_000;
const MAX_PAGES = 20;
const MAX_LOGGED = 300;

type ToolDefinition = Awaited<ReturnType<MCPClient['listTools']>>['tools'][number];
export type McpTools = Readonly<Record<string, AgentTool>>;

interface Link {
  client: MCPClient;
  /** Aborted when the connection breaks under a request that nobody would answer any more. */
  broken: AbortController;
}

/** One MCP server, as an execution environment knows it: asked for its tools when they are needed, and connected once. */
export class McpServer {
  readonly name: string;
  readonly #definition: McpServerDefinition;
  readonly #host: McpHost;
  #link: Promise<Link> | undefined;
  #listing: Promise<void> | undefined;
  #tools: McpTools | undefined;
  /** The definitions that they were made of. */
  #listed = '';
  #listedAt = Number.NEGATIVE_INFINITY;
  #failedAt = Number.NEGATIVE_INFINITY;
  #secrets: string[] = [];

  constructor(name: string, definition: McpServerDefinition, host: McpHost) {
    this.name = name;
    this.#definition = definition;
    this.#host = host;
  }

  /**
   * Its tools, by the names that the model knows; the same object until they change. Where the server does not answer, those
   * that it had before, or undefined if it never did. Never rejects, and takes `connectSeconds` at most.
   */
  async tools(): Promise<McpTools | undefined> {
    const now = this.#host.now();
    if (now - this.#listedAt < LIST_FOR_MS || now - this.#failedAt < RETRY_AFTER_MS) return this.#tools;
    this.#listing ??= this.#list().finally(() => {
      this.#listing = undefined;
    });
    await this.#listing;
    return this.#tools;
  }

  async #list(): Promise<void> {
    const limit = this.#withinLimit();
    try {
      const definitions = await within(limit, this.#definitions(limit));
      this.#listedAt = this.#host.now();
      this.#failedAt = Number.NEGATIVE_INFINITY;
      const listed = JSON.stringify(definitions);
      if (listed === this.#listed) return;
      this.#listed = listed;
      this.#tools = Object.fromEntries(
        this.#allowed(definitions).map((one) => [mcpToolName(this.name, one.name), this.#toTool(one)]),
      );
    } catch (error) {
      this.#failedAt = this.#host.now();
      this.#drop();
      this.#host.failed(this.name);
      this.#host.warn('an MCP server could not be asked for its tools', {
        server: this.name,
        known: this.#tools !== undefined,
        error: redact(describe(error), this.#secrets).slice(0, MAX_LOGGED),
      });
    }
  }

  /** Over the connection that there is, or a new one if that is of no use any more. */
  async #definitions(signal: AbortSignal): Promise<ToolDefinition[]> {
    const old = this.#link;
    const ask = async () => listAll(await this.#connect(signal), signal);
    if (!old) return ask();
    return ask().catch(() => {
      this.#drop();
      return ask();
    });
  }

  #allowed(definitions: readonly ToolDefinition[]): ToolDefinition[] {
    const { tools: wanted } = this.#definition;
    const missing = wanted?.filter((name) => !definitions.some((one) => one.name === name)) ?? [];
    const unusable = definitions
      .filter(({ name }) => !TOOL_NAME.test(mcpToolName(this.name, name)))
      .map(({ name }) => name);
    if (missing.length > 0)
      this.#host.warn('an MCP server lacks tools that the agent names', { server: this.name, missing });
    if (unusable.length > 0)
      this.#host.warn('tools of an MCP server have names that models do not take', {
        server: this.name,
        unusable,
      });
    return definitions.filter(({ name }) => !unusable.includes(name) && (wanted?.includes(name) ?? true));
  }

  #toTool({ name, description, inputSchema }: ToolDefinition): AgentTool {
    const { idempotent, timeoutSeconds } = this.#definition;
    return {
      ...(idempotent !== undefined && { idempotent }),
      ...(timeoutSeconds !== undefined && { timeoutSeconds }),
      tool: dynamicTool({
        ...(description !== undefined && { description }),
        // The server checks the rest: its schema may say more than a checker here would know.
        inputSchema: jsonSchema({ ...inputSchema, properties: inputSchema.properties ?? {} } as never, {
          validate: (value) =>
            isRecord(value)
              ? { success: true, value }
              : { success: false, error: new Error('they must be an object') },
        }),
        execute: (input, { abortSignal }) => this.#call(name, isRecord(input) ? input : {}, abortSignal),
      }),
    };
  }

  /**
   * One call. It is repeated where it surely was not taken (the server has forgotten our session), or where repeating does no
   * harm; any other that breaks off may or may not have run, and says so.
   */
  async #call(
    tool: string,
    args: Record<string, unknown>,
    signal = new AbortController().signal,
  ): Promise<unknown> {
    for (let again = true; ; again = false) {
      const link = await this.#reach(signal);
      try {
        const { output, isError } = readResult(
          await link.client.callTool({
            name: tool,
            arguments: args,
            options: { signal: AbortSignal.any([signal, link.broken.signal]) },
          }),
        );
        if (!isError) return output;
        throw new McpToolError(typeof output === 'string' ? output : JSON.stringify(output));
      } catch (error) {
        if (error instanceof McpToolError || signal.aborted) throw error;
        // The server's own answer: it was asked, and refuses.
        if (MCPClientError.isInstance(error) && error.code !== undefined)
          throw new McpToolError(error.message);
        this.#drop(link);
        const isForgotten = MCPClientError.isInstance(error) && error.statusCode === 404;
        if (again && (isForgotten || this.#definition.idempotent)) continue;
        this.#host.failed(this.name);
        throw new McpToolError(
          `The connection to the server "${this.name}" broke off: the tool may or may not have run.`,
        );
      }
    }
  }

  async #reach(signal: AbortSignal): Promise<Link> {
    try {
      const limit = AbortSignal.any([signal, this.#withinLimit()]);
      return await within(limit, this.#connect(limit));
    } catch (error) {
      this.#drop();
      if (signal.aborted) throw error;
      this.#host.failed(this.name);
      throw new McpToolError(`The server "${this.name}" cannot be reached: the tool was not run.`);
    }
  }

  #connect(signal: AbortSignal): Promise<Link> {
    this.#link ??= this.#open(signal);
    return this.#link;
  }

  async #open(signal: AbortSignal): Promise<Link> {
    const { url, headers, token } = this.#definition;
    const broken = new AbortController();
    const secret = token && (await this.#host.token(this.name));
    this.#secrets = secret ? [secret] : [];
    const named =
      token === 'bearer' ? { Authorization: `Bearer ${secret}` } : token && { [token.header]: secret ?? '' };
    // While it connects, what goes wrong is a matter of finding out which version of the protocol the server speaks.
    let isUp = false;
    const client = await createMCPClient({
      clientName: 'midturn',
      transport: {
        type: 'http',
        url: this.#host.urls[this.name] ?? url,
        headers: { ...headers, ...named },
        fetch: withoutListening,
      },
      initializationOptions: { signal },
      // Also told of what its request is told of, first: that shall say what it was.
      onUncaughtError: () => {
        if (isUp) setImmediate(() => broken.abort('the connection broke'));
      },
    });
    isUp = true;
    return { client, broken };
  }

  #withinLimit(): AbortSignal {
    return AbortSignal.timeout((this.#definition.connectSeconds ?? DEFAULT_CONNECT_SECONDS) * 1000);
  }

  /** The next request connects anew. */
  #drop(link?: Link): void {
    const dropped = this.#link;
    this.#link = undefined;
    link?.broken.abort('dropped');
    // It cannot be told anything any more; what it says to that is no news.
    dropped?.then(({ broken }) => broken.abort('dropped')).catch(() => {});
  }
}

/** A call's failure in words for the model and the user. */
class McpToolError extends Error {
  override readonly name = 'McpToolError';
}

/**
 * A server may talk unasked over a stream that the client keeps open. Between two invocations nobody is there to listen, and
 * the timers of what broke meanwhile would go off in somebody else's turn; so the server is told what the protocol has for
 * clients that do not: this side asks, and listens to answers alone.
 */
const withoutListening: typeof globalThis.fetch = (input, init) =>
  init?.method === 'GET' ? Promise.resolve(new Response(null, { status: 405 })) : fetch(input, init);

async function listAll({ client }: Link, signal: AbortSignal): Promise<ToolDefinition[]> {
  const definitions: ToolDefinition[] = [];
  let cursor: string | undefined;
  for (let page = 0; page < MAX_PAGES; page++) {
    const { tools, nextCursor } = await client.listTools({
      ...(cursor !== undefined && { params: { cursor } }),
      options: { signal },
    });
    definitions.push(...tools);
    if (!nextCursor) break;
    cursor = nextCursor;
  }
  return definitions;
}

/** Whatever the client makes of the signal: nobody waits longer. */
function within<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    signal.addEventListener('abort', () => reject(new Error('It did not answer in time.')), { once: true });
    work.then(resolve, reject);
  });
}

function describe(error: unknown): string {
  if (MCPClientError.isInstance(error) && error.statusCode !== undefined) return `HTTP ${error.statusCode}`;
  const text = error instanceof Error ? `${error.name}: ${error.message}` : typeof error;
  return error instanceof Error && error.cause instanceof Error ? `${text} (${error.cause.message})` : text;
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
