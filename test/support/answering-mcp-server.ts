import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json as readJson } from 'node:stream/consumers';
import { onTestFinished } from 'vitest';
import type { UserToken } from '../../core/model.ts';
import { ANNS_SETUP, NO_FILES, UNSEEN } from '../../core/testing/call-setup.ts';
import { defineAgent } from '../../model/agent/define-agent.ts';
import type { McpServerDefinition } from '../../model/mcp/definition.ts';
import { createToolSource } from '../../model/mcp/tool-source.ts';
import { createToolbox } from '../../model/tools/toolbox.ts';

/** A server that answers what a test says, also what the protocol's own SDK would not. */

interface Message {
  method: string;
  id?: unknown;
  params: { cursor?: string; name?: string; protocolVersion?: string };
}
/** A result, an error of the protocol, a status of HTTP, or no answer. */
export type Answer = { result: object } | { error: object } | { status: number } | 'nothing';
export type Answers = (message: Message, headers: IncomingHttpHeaders) => Answer | undefined;

/** It ends with the test. */
export async function startAnsweringServer(answers: Answers) {
  const asked: { method: string; id: unknown; headers: IncomingHttpHeaders }[] = [];
  const server = createServer(async (request, response) => {
    const message = request.method === 'POST' ? ((await readJson(request)) as Message) : undefined;
    if (!message) return void response.writeHead(200).end();
    const { method, id, params } = message;
    asked.push({ method, id, headers: request.headers });
    const usual: Record<string, Answer> = {
      initialize: {
        result: {
          protocolVersion: params?.protocolVersion,
          capabilities: { tools: {} },
          serverInfo: { name: 'books', version: '1' },
        },
      },
      'notifications/initialized': { status: 202 },
    };
    const answer = answers(message, request.headers) ?? usual[method] ?? { status: 400 };
    if (answer === 'nothing') return;
    if ('status' in answer) return void response.writeHead(answer.status).end();
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ jsonrpc: '2.0', id, ...answer }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(
    () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  );
  const times = (method: string) => asked.filter((one) => one.method === method).length;
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`, asked, times };
}

export const tool = (name: string, more: object = {}) => ({ name, inputSchema: { type: 'object' }, ...more });
export const listing = (...tools: object[]): Answer => ({ result: { tools } });
export const text = (words: string): Answer => ({ result: { content: [{ type: 'text', text: words }] } });

/** An agent with such a server under the name `books`, and what it says and does. */
export async function given(
  answers: Answers,
  definition: Partial<McpServerDefinition> = {},
  urls: Record<string, string> = {},
  token = async () => 'of-the-deployment',
) {
  const server = await startAnsweringServer(answers);
  const logged: [message: string, fields: Record<string, unknown>][] = [];
  const failures: string[] = [];
  let now = 0;
  const agent = defineAgent({ mcp: { books: { url: server.url, ...definition } } });
  const source = createToolSource(agent, {
    urls: urls.books === 'the server' ? { books: server.url } : urls,
    token,
    warn: (message, fields) => logged.push([message, fields]),
    failed: (name) => failures.push(name),
    now: () => now,
  });
  return {
    ...server,
    logged,
    failures,
    offered: (token?: UserToken) => source.offered(token),
    names: async () => Object.keys((await source.offered()).tools),
    later: (ms: number) => {
      now += ms;
    },
    call: (name = 'books_read', more: { signal?: AbortSignal; token?: UserToken } = {}) =>
      createToolbox(agent, source).run(
        { id: '1', name, args: {} },
        {
          signal: new AbortController().signal,
          idempotencyKey: 'k',
          setup: ANNS_SETUP,
          display: UNSEEN,
          files: NO_FILES,
          ...more,
        },
      ),
  };
}
