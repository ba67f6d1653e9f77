import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json as readJson } from 'node:stream/consumers';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { isInitializeRequest } from '@modelcontextprotocol/sdk/types.js';
import { z } from 'zod';
import { pdf, png } from './files.ts';

interface Refusal {
  status: number;
  body: string;
}

/** A library over MCP, by the protocol's own SDK, on loopback. */
export interface TestMcpServer {
  readonly url: string;
  /** Calls that were run, in order: `search {"query":"…"}`. */
  readonly calls: readonly string[];
  /** Of each call that came in: the session, its header `x-user`, and the token that it sent. */
  readonly callers: readonly { session: string; user: string | undefined; token: string | undefined }[];
  /** Requests that came in, by method of HTTP and of MCP: `POST initialize`. */
  readonly requests: readonly string[];
  /** As after a restart of a server that keeps its sessions in memory. Default of `refusal`: 404, or 400 without a session id. */
  forgetSessions(refusal?: (requestId: unknown) => Refusal): void;
  /** Lets every `wait` that runs come to its end. */
  endWaits(): void;
  /** What happens to the next `tools/call`: the socket is cut before it runs, or after. */
  cutNextCall(when: 'before' | 'after'): void;
  /** From now on requests are answered by this status, or not at all; undefined: as they should be. */
  answerWith(status: number | 'nothing' | undefined): void;
  /** From now on, new sessions need this token. A session that is open goes on with its own. */
  takeToken(token: string): void;
  /** From now on a call counts as run, and is answered so: by a proxy before the server, for example. */
  answerCallsWith(refusal: Refusal | undefined): void;
  /** From now on calls are refused by this status, before they run. */
  refuseCallsWith(status: number): void;
  /** Adds `renew`, as a new version of the server might. */
  addTool(): void;
  close(): Promise<void>;
}

/** @param options `needsUser`: whoever sends no token is answered nothing, and a session is that of the token that began it */
export async function startMcpServer(
  options: { token?: string; needsUser?: boolean } = {},
): Promise<TestMcpServer> {
  let { token } = options;
  const tokens = new Map<string, string | undefined>();
  const calls: string[] = [];
  const requests: string[] = [];
  const callers: TestMcpServer['callers'][number][] = [];
  /** Whose session it is: a request of anybody else in it is refused, as the security guide of MCP demands. */
  const users = new Map<string, string | undefined>();
  const sessions = new Map<string, StreamableHTTPServerTransport>();
  const waiting: (() => void)[] = [];
  let cut: 'before' | 'after' | undefined;
  let answer: number | 'nothing' | undefined;
  let refuse: ((requestId: unknown) => Refusal) | undefined;
  let afterCall: Refusal | undefined;
  let refusedWith: number | undefined;
  let hasMore = false;

  const userOf = ({ headers }: IncomingMessage) =>
    options.needsUser ? headers.authorization : (headers['x-user'] as string | undefined);

  function library(): McpServer {
    const server = new McpServer({ name: 'library', version: '1.0.0' }, { capabilities: { logging: {} } });
    const run = (name: string, args: unknown) => calls.push(`${name} ${JSON.stringify(args)}`);
    const text = (content: string) => ({ content: [{ type: 'text' as const, text: content }] });
    server.registerTool(
      'search',
      { description: 'Looks for a book.', inputSchema: { query: z.string() } },
      (args) => {
        run('search', args);
        return text(`One book about ${args.query}.`);
      },
    );
    server.registerTool('count', { inputSchema: {}, outputSchema: { books: z.number() } }, () => ({
      ...text('{"books":3}'),
      structuredContent: { books: 3 },
    }));
    server.registerTool('borrow', { inputSchema: { title: z.string() } }, (args) => {
      run('borrow', args);
      return { ...text(`"${args.title}" is lent out.`), isError: true };
    });
    server.registerTool('cover', { inputSchema: {} }, () => ({
      content: [
        { type: 'text', text: 'The cover:' },
        { type: 'image', data: png().toString('base64'), mimeType: 'image/png' },
        { type: 'resource', resource: { uri: 'book://1', text: 'Its first page.' } },
      ],
    }));
    server.registerTool('wait', { inputSchema: {} }, async (_args, { signal, sendNotification }) => {
      // Servers say what goes on, on the stream of the call: nobody has to ask for it.
      const data = 'Somebody waits.';
      await sendNotification({ method: 'notifications/message', params: { level: 'info', data } });
      run('wait', {});
      return new Promise((resolve) => {
        waiting.push(() => resolve(text('waited')));
        signal.addEventListener('abort', () => resolve(text('stopped')));
      });
    });
    server.registerTool('scan', { inputSchema: {} }, async (_args, { _meta: meta, sendNotification }) => {
      const { progressToken } = meta ?? {};
      if (progressToken !== undefined)
        for (const params of [
          { progressToken, progress: 1, total: 2, message: 'page 1' },
          { progressToken: 'of-another-call', progress: 9 },
          { progressToken, progress: 2 },
        ])
          await sendNotification({ method: 'notifications/progress', params });
      const resource = (uri: string, mimeType: string, blob: Buffer) => ({
        type: 'resource' as const,
        resource: { uri, mimeType, blob: blob.toString('base64') },
      });
      return {
        content: [
          { type: 'text', text: 'Scanned.' },
          resource('book://1/pages.pdf', 'application/pdf', pdf()),
          resource('book://1/pages.html', 'text/html', Buffer.from('<html>')),
          { type: 'resource_link', uri: 'book://2', name: 'the next one' },
        ],
      };
    });
    if (options.needsUser)
      server.registerTool(
        'quote',
        { inputSchema: {} },
        async (_args, { _meta: meta, requestInfo, sendNotification }) => {
          const said = String(requestInfo?.headers.authorization);
          const { progressToken = '' } = meta ?? {};
          // Where what is cut after 500 characters is cut within the token.
          const message = `${'x'.repeat(485)}${said}`;
          await sendNotification({
            method: 'notifications/progress',
            params: { progressToken, progress: 1, message },
          });
          const uri = `book://1/pages.pdf?token=${said.padEnd(300, 'x')}`;
          return {
            content: [
              {
                type: 'resource',
                resource: { uri, mimeType: 'application/pdf', blob: pdf().toString('base64') },
              },
            ],
          };
        },
      );
    server.registerTool('shelf.not.a.name', { inputSchema: {} }, () => text('of a shelf'));
    if (hasMore) server.registerTool('renew', { inputSchema: {} }, () => text('renewed'));
    return server;
  }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = request.method === 'POST' ? await readJson(request) : undefined;
    const method = typeof body === 'object' && body !== null && 'method' in body ? String(body.method) : '';
    requests.push(`${request.method} ${method}`.trim());
    if (answer === 'nothing') return;
    if (answer !== undefined)
      return void response.writeHead(answer).end(`Bad: ${request.headers.authorization}`);
    const needed = tokens.get(String(request.headers['mcp-session-id'])) ?? token;
    if (needed !== undefined && request.headers.authorization !== `Bearer ${needed}`) {
      return void response.writeHead(401).end(`You sent ${request.headers.authorization}`);
    }
    const session = String(request.headers['mcp-session-id'] ?? '');
    const bearer = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1];
    if (options.needsUser && bearer === undefined) return void response.writeHead(401).end('Who are you?');
    const user = userOf(request);
    if (users.has(session) && users.get(session) !== user)
      return void response.writeHead(403).end('This is the session of somebody else.');
    if (method === 'tools/call')
      callers.push({ session, user: request.headers['x-user'] as string | undefined, token: bearer });
    if (method === 'tools/call' && refusedWith) return void response.writeHead(refusedWith).end();
    if (method === 'tools/call' && afterCall) {
      calls.push('a call');
      return void response.writeHead(afterCall.status, { 'Content-Type': 'text/plain' }).end(afterCall.body);
    }
    if (method === 'tools/call' && cut) {
      const when = cut;
      cut = undefined;
      if (when === 'before') return void request.socket.destroy();
      response.write = () => {
        request.socket.destroy();
        return false;
      };
    }
    await (await transportOf(request, response, body))?.handleRequest(request, response, body);
  }

  async function transportOf(request: IncomingMessage, response: ServerResponse, body: unknown) {
    const id = String(request.headers['mcp-session-id'] ?? '');
    const known = sessions.get(id);
    if (known) return known;
    if (!isInitializeRequest(body)) {
      const requestId = typeof body === 'object' && body !== null && 'id' in body ? body.id : null;
      const { status, body: said } = refuse?.(requestId) ?? { status: id ? 404 : 400, body: '' };
      response.writeHead(status, { 'Content-Type': 'application/json' }).end(said);
      return undefined;
    }
    const transport = new StreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      onsessioninitialized: (session) => {
        sessions.set(session, transport);
        tokens.set(session, token);
        users.set(session, userOf(request));
      },
    });
    await library().connect(transport);
    return transport;
  }

  const server = createServer((request, response) => {
    handle(request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`,
    callers,
    calls,
    requests,
    forgetSessions: (refusal) => {
      refuse = refusal;
      sessions.clear();
    },
    refuseCallsWith: (status) => {
      refusedWith = status;
    },
    answerCallsWith: (refusal) => {
      afterCall = refusal;
    },
    endWaits: () => {
      for (const finish of waiting.splice(0)) finish();
    },
    cutNextCall: (when) => {
      cut = when;
    },
    answerWith: (status) => {
      answer = status;
    },
    takeToken: (next) => {
      token = next;
    },
    addTool: () => {
      hasMore = true;
      sessions.clear();
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
