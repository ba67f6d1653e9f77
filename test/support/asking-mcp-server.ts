import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json as readJson } from 'node:stream/consumers';

type Fields = Record<string, unknown>;

/** What a server asks in a call: requests by its own keys. */
export type Asks = Record<string, { method: string; params: object }>;

export interface AskingMcpServer {
  readonly url: string;
  /** Requests that came in: the method, and what the client gave in answer. */
  readonly asked: readonly {
    method: string;
    inputResponses?: unknown;
    requestState?: unknown;
    elicits: boolean;
  }[];
  /** What the tool was called for: the answers that it had when it ran. */
  readonly ran: readonly unknown[];
  close(): Promise<void>;
}

/**
 * A server of MCP 2026-07-28 alone, which has no sessions and keeps nothing between two requests: what it asks is in the result of a call,
 * and what it knows is in `requestState`. It is strict where the specification says "must": about `_meta` of each request, capabilities, the
 * state that is echoed, and ids that are new.
 *
 * Source: "Elicitation", "Multi Round-Trip Requests" and "Streamable HTTP", Model Context Protocol 2026-07-28.
 *
 * @param rounds what the tool `burn` asks, one after the other, before it runs
 * @param how `stream`: answers come as events
 */
export async function startAskingMcpServer(
  rounds: readonly Asks[],
  { stream = false } = {},
): Promise<AskingMcpServer> {
  const asked: AskingMcpServer['asked'][number][] = [];
  const ran: unknown[] = [];
  const ids = new Set<unknown>();
  const tool = (name: string) => ({ name, inputSchema: { type: 'object' } });
  const sealed = (round: number, args: unknown) =>
    createHash('sha256')
      .update(`${round} ${JSON.stringify(args)}`)
      .digest('base64url');
  const server = createServer(async (request, response) => {
    const { id, method, params = {} } = (await readJson(request)) as Fields & { params?: Fields };
    const {
      _meta: meta,
      inputResponses,
      requestState,
      arguments: args,
    } = params as Fields & { _meta?: Fields };
    const capabilities = meta?.['io.modelcontextprotocol/clientCapabilities'] as Fields | undefined;
    const elicits = capabilities?.elicitation as Fields | undefined;
    asked.push({
      method: String(method),
      ...(inputResponses !== undefined && { inputResponses }),
      ...(requestState !== undefined && { requestState }),
      elicits: elicits !== undefined,
    });
    const send = (body: object, status = 200) => {
      const text = JSON.stringify({ jsonrpc: '2.0', id, ...body });
      response.writeHead(status, {
        'content-type': stream ? 'text/event-stream' : 'application/json',
        connection: 'close',
      });
      response.end(stream ? `event: message\ndata: ${text}\n\n` : text);
    };
    const answer = (result: object) => send({ result });
    const refuse = (message: string) => send({ error: { code: -32602, message } });
    const version = '2026-07-28';
    if (request.headers['mcp-protocol-version'] !== version) return refuse('the version');
    if (meta?.['io.modelcontextprotocol/protocolVersion'] !== version || !capabilities)
      return refuse('_meta of the request');
    if (method === 'tools/call' && ids.has(id)) return refuse('an id twice');
    ids.add(id);
    switch (method) {
      case 'server/discover':
        return answer({ resultType: 'complete', supportedVersions: [version], capabilities: { tools: {} } });
      case 'tools/list':
        return params.cursor === undefined
          ? answer({ resultType: 'complete', tools: [tool('keep')], nextCursor: 'more' })
          : answer({ resultType: 'complete', tools: [tool('burn')] });
      case 'tools/call': {
        // Without a state it is the first request, and no answer belongs to it.
        const round = requestState === undefined ? 0 : Number(String(requestState).split('.')[0]);
        if (requestState !== undefined && requestState !== `${round}.${sealed(round, args)}`)
          return refuse('the state is not the one that was given');
        if (requestState === undefined && inputResponses !== undefined)
          return refuse('answers without the state');
        const wanted = Object.keys(rounds[round - 1] ?? {});
        const given = Object.keys((inputResponses as Fields | undefined) ?? {});
        if (wanted.join() !== given.join()) return refuse(`answers to ${wanted}, not ${given}`);
        const asks = rounds[round];
        if (!asks) {
          ran.push(inputResponses);
          return answer({ resultType: 'complete', content: [{ type: 'text', text: 'Burnt.' }] });
        }
        const next = round + 1;
        return answer({
          resultType: 'input_required',
          inputRequests: asks,
          requestState: `${next}.${sealed(next, args)}`,
        });
      }
      default:
        return send({ error: { code: -32601, message: 'no such method' } }, 404);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`,
    asked,
    ran,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}
