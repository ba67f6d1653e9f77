import { randomInt } from 'node:crypto';
import { createMCPClient, ElicitationRequestSchema, type MCPClient, MCPClientError } from '@ai-sdk/mcp';
import { dynamicTool, jsonSchema } from 'ai';
import { InputRequiredError } from '../../core/elicitation.ts';
import type { Caller, UserToken } from '../../core/model.ts';
import { ownValue } from '../../core/own-value.ts';
import { shortened, wellFormed } from '../../protocol/text.ts';
import type { AgentTool } from '../agent/agent-tools.ts';
import type { CallContext } from '../agent/tool-context.ts';
import { redact } from '../providers/redact.ts';
import { type CallScope, digestOf, inScope, isAsked, scoped } from './call-scope.ts';
import { changedTools } from './changed-tools.ts';
import { type McpHeaders, type McpServerDefinition, mcpToolName } from './definition.ts';
import { requiredIn } from './elicitation.ts';
import type { McpHost } from './host.ts';
import {
  DEFAULT_MAX_RESPONSE_BYTES,
  DEFAULT_MAX_TOOL_BYTES,
  DEFAULT_MAX_TOOLS,
  fitting,
  withinBytes,
} from './limits.ts';
import { readResult, shownOf } from './mcp-result.ts';
import { isRefusal, withPlainErrors } from './refusal.ts';
import { McpToolError } from './tool-error.ts';

const DEFAULT_CONNECT_SECONDS = 5;
/** Tools that a server adds or removes show within minutes, without a deployment. */
const LIST_FOR_MS = 5 * 60_000;
/** The time limit of an unreachable server is spent once in this time, and not with every model call. */
const RETRY_AFTER_MS = 30_000;
const MAX_PAGES = 20;
const MAX_LOGGED = 300;
const MAX_FIRST_ID = 2 ** 40;

type ToolDefinition = Awaited<ReturnType<MCPClient['listTools']>>['tools'][number];
export type McpTools = Readonly<Record<string, AgentTool>>;

interface Link {
  client: MCPClient;
  /** Aborted when the connection breaks, because the client does not reject the requests that wait on it. */
  broken: AbortController;
}

/** One MCP server in one execution environment: connects once, and caches the tools. */
export class McpServer {
  readonly name: string;
  readonly #definition: McpServerDefinition;
  readonly #host: McpHost;
  #link: Promise<Link> | undefined;
  /** The token with which the connection was opened. */
  #token: string | undefined;
  /** Of the token of the user for whom the connection was opened. */
  #user: string | undefined;
  /** The headers, as JSON, with which the connection was opened. */
  #headers: string | undefined;
  #listing: Promise<void> | undefined;
  #tools: McpTools | undefined;
  /** The definitions that the tools were made of. */
  #listed: readonly ToolDefinition[] | undefined;
  #listedAt = Number.NEGATIVE_INFINITY;
  #failedAt = Number.NEGATIVE_INFINITY;

  constructor(name: string, definition: McpServerDefinition, host: McpHost) {
    this.name = name;
    this.#definition = definition;
    this.#host = host;
  }

  /**
   * Returns the server's tools by the names that the model calls. The object stays the same until the tools change. If
   * the server does not answer, returns the last known tools, or undefined if there are none. Never rejects, and takes
   * at most `connectSeconds`.
   *
   * @param token of who asks. A server that is given the token of users, and has none of the deployment, is asked in their name alone.
   */
  async tools(token?: UserToken): Promise<McpTools | undefined> {
    const now = this.#host.now();
    if (now - this.#listedAt < LIST_FOR_MS || now - this.#failedAt < RETRY_AFTER_MS) return this.#tools;
    const { forwardToken, token: own } = this.#definition;
    const asks = forwardToken && own === undefined ? (token ?? 'nobody') : undefined;
    if (asks === 'nobody') return this.#tools;
    this.#listing ??= this.#list(asks).finally(() => {
      this.#listing = undefined;
    });
    await this.#listing;
    return this.#tools;
  }

  async #list(token?: UserToken): Promise<void> {
    const limit = this.#withinLimit();
    // Who asks has none: the next one may.
    const users = await token?.().catch(() => undefined);
    if (token && users === undefined) return;
    try {
      // They are a part of every prompt.
      const definitions = wellFormed(await within(limit, this.#definitions(limit, users)));
      this.#listedAt = this.#host.now();
      this.#failedAt = Number.NEGATIVE_INFINITY;
      const before = this.#listed;
      if (before && JSON.stringify(definitions) === JSON.stringify(before)) return;
      if (before)
        this.#host.warn('the tools of an MCP server have changed', {
          server: this.name,
          ...changedTools(before, definitions),
        });
      this.#listed = definitions;
      this.#tools = this.#named(this.#fitting(this.#allowed(definitions)));
    } catch (error) {
      this.#failedAt = this.#host.now();
      this.#drop();
      this.#host.failed(this.name);
      this.#host.warn('an MCP server could not be asked for its tools', {
        server: this.name,
        known: this.#tools !== undefined,
        error: shortened(redact(describe(error), [this.#token ?? '', users ?? '']), MAX_LOGGED),
      });
    }
  }

  /** Lists the tools over the open connection, and over a new one if that fails. */
  async #definitions(signal: AbortSignal, users: string | undefined): Promise<ToolDefinition[]> {
    const old = this.#link;
    const ask = () =>
      inScope({ token: users }, async () => listAll(await this.#connect(signal, undefined, users), signal));
    if (!old) return ask();
    return ask().catch(() => {
      this.#drop();
      return ask();
    });
  }

  #allowed(definitions: readonly ToolDefinition[]): ToolDefinition[] {
    const { tools: wanted } = this.#definition;
    const missing = wanted?.filter((name) => !definitions.some((one) => one.name === name)) ?? [];
    if (missing.length > 0)
      this.#host.warn('an MCP server lacks tools that the agent names', { server: this.name, missing });
    return definitions.filter(({ name }) => wanted?.includes(name) ?? true);
  }

  /** What every prompt may contain of this server. */
  #fitting(definitions: readonly ToolDefinition[]): ToolDefinition[] {
    const { maxTools = DEFAULT_MAX_TOOLS, maxToolBytes = DEFAULT_MAX_TOOL_BYTES } = this.#definition;
    const { offered, left } = fitting(definitions, { maxTools, maxBytes: maxToolBytes });
    if (left.length > 0)
      this.#host.warn('an MCP server has more tools than fit: the others are not offered', {
        server: this.name,
        offered: offered.length,
        left: left.length,
        first: shortened(left.slice(0, 10).join(', '), MAX_LOGGED),
      });
    return offered;
  }

  /** By the names that the model calls. Of two tools with one name the first counts. */
  #named(definitions: readonly ToolDefinition[]): McpTools {
    const tools = new Map<string, AgentTool>();
    const doubled: string[] = [];
    for (const definition of definitions) {
      const name = mcpToolName(this.name, definition.name);
      if (tools.has(name)) doubled.push(definition.name);
      else tools.set(name, this.#toTool(definition));
    }
    if (doubled.length > 0)
      this.#host.warn('tools of an MCP server have the name of another one', { server: this.name, doubled });
    return Object.fromEntries(tools);
  }

  #toTool({ name, description, inputSchema }: ToolDefinition): AgentTool {
    const { idempotent, timeoutSeconds } = this.#definition;
    return {
      ...(idempotent !== undefined && { idempotent }),
      ...(timeoutSeconds !== undefined && { timeoutSeconds }),
      tool: dynamicTool({
        ...(description !== undefined && { description }),
        // The server validates the input: a schema may use keywords that a checker here does not know.
        inputSchema: jsonSchema({ ...inputSchema, properties: inputSchema.properties ?? {} } as never, {
          validate: (value) =>
            isRecord(value)
              ? { success: true, value }
              : { success: false, error: new Error('they must be an object') },
        }),
        execute: (input, { abortSignal, context }) =>
          this.#run(name, isRecord(input) ? input : {}, contextIn(context), abortSignal),
        // The SDK's type has no undefined for an output that is shown as it is.
        toModelOutput: ({ output }) => shownOf(output) as NonNullable<ReturnType<typeof shownOf>>,
      }),
    };
  }

  async #run(
    tool: string,
    args: Record<string, unknown>,
    { caller, userToken, files, progress, input }: Partial<CallContext>,
    signal = new AbortController().signal,
  ): Promise<unknown> {
    // If there is none, its error says so to the model.
    const token = this.#definition.forwardToken ? await userToken?.() : undefined;
    const scope: CallScope = { token, progress, input: this.#definition.elicitation ? input : undefined };
    const result = await inScope(scope, () => this.#call(tool, args, { caller, scope }, signal));
    if (!result) throw new InputRequiredError(requiredIn(this.name, scope.required));
    const { output, isError } = await readResult(result, files);
    if (!isError) return output;
    throw new McpToolError(typeof output === 'string' ? output : JSON.stringify(output));
  }

  /**
   * Makes one call. It is made once more, over a new session, if the server refused the request (it may have forgotten our
   * session), so that the tool surely did not run, or if the tool is idempotent. Any other broken call may or may not have
   * run, and its result says so.
   *
   * @returns undefined: the server asks the user something first
   */
  async #call(
    tool: string,
    args: Record<string, unknown>,
    { caller, scope }: { caller: Caller | undefined; scope: CallScope },
    signal: AbortSignal,
  ): Promise<object | undefined> {
    for (let again = true; ; again = false) {
      const link = await this.#reach(signal, caller, scope.token);
      try {
        return await link.client.callTool({
          name: tool,
          arguments: args,
          options: { signal: AbortSignal.any([signal, link.broken.signal]) },
        });
      } catch (error) {
        if (signal.aborted) throw error;
        // The MCP client could not have it answered.
        if (scope.required !== undefined) return undefined;
        const { reason } = link.broken.signal;
        if (reason instanceof McpToolError) {
          this.#drop(link);
          this.#host.warn('an MCP server gave a result that is too large', {
            server: this.name,
            tool: shortened(tool, MAX_LOGGED),
          });
          throw reason;
        }
        // The server answered with an error, so the connection works and the tool did not run.
        if (MCPClientError.isInstance(error) && error.code !== undefined)
          throw new McpToolError(error.message);
        this.#drop(link);
        const isRefused = isRefusal(error);
        if (again && (isRefused || this.#definition.idempotent)) continue;
        this.#host.failed(this.name);
        throw new McpToolError(
          isRefused
            ? `The server "${this.name}" refused the call (${describe(error)}): the tool was not run.`
            : `The connection to the server "${this.name}" broke off: the tool may or may not have run.`,
        );
      }
    }
  }

  async #reach(signal: AbortSignal, caller: Caller | undefined, users: string | undefined): Promise<Link> {
    try {
      const limit = AbortSignal.any([signal, this.#withinLimit()]);
      return await within(limit, this.#connect(limit, caller, users));
    } catch (error) {
      this.#drop();
      if (signal.aborted) throw error;
      this.#host.failed(this.name);
      throw new McpToolError(`The server "${this.name}" cannot be reached: the tool was not run.`);
    }
  }

  /**
   * The open connection, or a new one if there is none with the current token and these headers. Calls on an old one end there. A
   * server ties its session to who opened it, so no caller uses that of another one.
   */
  async #connect(signal: AbortSignal, caller: Caller | undefined, users: string | undefined): Promise<Link> {
    const { token: sends, headers: given } = this.#definition;
    // The user's takes the place of the deployment's in the same header.
    const own = users !== undefined && sends === 'bearer' ? undefined : sends;
    const token = own && (await this.#host.token(this.name));
    const user = digestOf(users);
    const headers = typeof given === 'function' ? await given({ caller }) : given;
    const sent = JSON.stringify(headers);
    // rule: mcp-session-of-one-caller
    if (token !== this.#token || sent !== this.#headers || user !== this.#user) this.#link = undefined;
    this.#token = token;
    this.#headers = sent;
    this.#user = user;
    this.#link ??= this.#open(own, token, headers, signal);
    return this.#link;
  }

  async #open(
    own: McpServerDefinition['token'],
    token: string | undefined,
    headers: McpHeaders | undefined,
    signal: AbortSignal,
  ): Promise<Link> {
    const { url, maxResponseBytes = DEFAULT_MAX_RESPONSE_BYTES } = this.#definition;
    const broken = new AbortController();
    const named =
      own === 'bearer' ? { Authorization: `Bearer ${token}` } : own && { [own.header]: token ?? '' };
    // Errors while it connects are part of negotiating the protocol's version.
    let isUp = false;
    const client = await createMCPClient({
      clientName: 'midturn',
      transport: {
        type: 'http',
        url: ownValue(this.#host.urls, this.name) ?? url,
        headers: { ...headers, ...named },
        fetch: withPlainErrors(
          withinBytes(scoped(withoutListening), maxResponseBytes, (error) => broken.abort(error)),
          () => isUp,
        ),
      },
      initializationOptions: { signal },
      // Called before the request itself rejects. The request's own error says more, so the abort comes after it.
      onUncaughtError: (error) => {
        if (isUp && !isNotification(error)) setImmediate(() => broken.abort('the connection broke'));
      },
    });
    client.onElicitationRequest(ElicitationRequestSchema, () => {
      if (isAsked()) throw new Error('The user is asked first.');
      // A server that was not told that it could ask is told that nobody answers.
      return { action: 'cancel' };
    });
    isUp = true;
    // A call that goes on must have another id than the one that asked, which may have been another process's: each would count from 0.
    Object.assign(client, { requestMessageId: randomInt(MAX_FIRST_ID) });
    return { client, broken };
  }

  #withinLimit(): AbortSignal {
    return AbortSignal.timeout((this.#definition.connectSeconds ?? DEFAULT_CONNECT_SECONDS) * 1000);
  }

  /** Drops the connection. The next request connects again. */
  #drop(link?: Link): void {
    const dropped = this.#link;
    this.#link = undefined;
    link?.broken.abort('dropped');
    // A connection that failed to open is reported where it was opened.
    dropped?.then(({ broken }) => broken.abort('dropped')).catch(() => {});
  }
}

/**
 * Refuses the stream over which a server may send messages unasked. A function is frozen between two invocations, and
 * the timers of a stream that broke meanwhile would fire in another session's turn. Status 405 is the protocol's way
 * for clients without that stream.
 */
const withoutListening: typeof globalThis.fetch = (input, init) =>
  init?.method === 'GET' ? Promise.resolve(new Response(null, { status: 405 })) : fetch(input, init);

/** A server may say at any time what it does. The MCP client, which handles no notification, reports one as an error. */
const isNotification = (error: unknown): boolean =>
  MCPClientError.isInstance(error) && error.message === 'Unsupported message type';

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

/** Rejects when the signal is aborted, even if the client ignores it. */
function within<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    signal.addEventListener('abort', () => reject(new Error('It did not answer in time.')), { once: true });
    work.then(resolve, reject);
  });
}

/** What the toolbox gives to each tool. */
const contextIn = (context: unknown): Partial<CallContext> => (context as CallContext | undefined) ?? {};

function describe(error: unknown): string {
  if (MCPClientError.isInstance(error) && error.statusCode !== undefined) return `HTTP ${error.statusCode}`;
  const text = error instanceof Error ? `${error.name}: ${error.message}` : typeof error;
  return error instanceof Error && error.cause instanceof Error ? `${text} (${error.cause.message})` : text;
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
