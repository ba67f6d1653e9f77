import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { CallSetup } from '../../core/model.ts';
import { ANNS_SETUP, NO_FILES, UNSEEN } from '../../core/testing/call-setup.ts';
import { startMcpServer, type TestMcpServer } from '../../test/support/mcp-server.ts';
import type { AgentDefinition } from '../agent/agent-definition.ts';
import { defineAgent } from '../agent/define-agent.ts';
import { createToolbox } from '../tools/toolbox.ts';
import { type McpServerDefinition, mcpToolName } from './definition.ts';
import { createToolSource } from './tool-source.ts';

let server: TestMcpServer;
beforeEach(async () => {
  server = await startMcpServer();
});
afterEach(() => server.close());

const MINUTE = 60_000;
const context = { signal: new AbortController().signal, idempotencyKey: 'key', setup: ANNS_SETUP };

/** An agent with the library under the name `books`, and what it says and does. */
function given(definition: Partial<McpServerDefinition> = {}, own: AgentDefinition['tools'] = {}) {
  const logged: unknown[] = [];
  const failures: string[] = [];
  let now = 0;
  let token = 'the-token-of-the-library';
  const agent = defineAgent({
    instructions: '',
    tools: own,
    mcp: { books: { url: server.url, connectSeconds: 5, ...definition } },
  });
  const source = createToolSource(agent, {
    urls: {},
    token: async () => token,
    warn: (message, fields) => logged.push([message, fields]),
    failed: (name) => failures.push(name),
    now: () => now,
  });
  const toolbox = createToolbox(agent, source);
  return {
    agent,
    toolbox,
    logged,
    failures,
    names: async () => Object.keys((await source.offered()).tools).toSorted(),
    missing: async () => (await source.offered()).missing,
    offered: () => source.offered(),
    call: (name: string, args = {}, signal = context.signal, setup: CallSetup = ANNS_SETUP) =>
      toolbox.run({ id: '1', name, args }, { ...context, signal, setup, display: UNSEEN, files: NO_FILES }),
    later: (ms: number) => {
      now += ms;
    },
    rotate: (next: string) => {
      token = next;
    },
  };
}

const SHELF = mcpToolName('books', 'shelf.not.a.name');
const ALL = ['books_borrow', 'books_count', 'books_cover', 'books_scan', 'books_search', SHELF, 'books_wait'];

describe('the tools of an MCP server', () => {
  it('are the agent’s, with the server’s name before theirs, listed once', async () => {
    const { names, offered, logged } = given();
    expect(await names()).toEqual(ALL);
    expect(await offered()).toBe(await offered());
    expect(server.requests.filter((line) => line.endsWith('tools/list'))).toHaveLength(1);
    expect(logged).toEqual([]);
  });

  it('can be chosen; one that the server lacks is logged', async () => {
    const { names, logged } = given({ tools: ['search', 'burn'] });
    expect(await names()).toEqual(['books_search']);
    expect(logged).toContainEqual([
      'an MCP server lacks tools that the agent names',
      { server: 'books', missing: ['burn'] },
    ]);
  });

  it('are listed anew after some minutes, and changed where they have, which is logged', async () => {
    const { names, offered, later, logged } = given();
    const before = await offered();
    server.addTool();
    later(4 * MINUTE);
    expect(await offered()).toBe(before);
    later(2 * MINUTE);
    expect(await names()).toContain('books_renew');
    expect(logged).toEqual([
      [
        'the tools of an MCP server have changed',
        { server: 'books', added: ['renew'], removed: [], changed: [] },
      ],
    ]);
  });

  it('never listen to what a server says unasked: nobody would be there between two invocations', async () => {
    await given().names();
    expect(server.requests.filter((line) => line.startsWith('GET'))).toEqual([]);
  });
});

describe('a call', () => {
  it.each([
    ['books_search', { query: 'cats' }, { output: 'One book about cats.', isError: false }],
    ['books_count', {}, { output: { books: 3 }, isError: false }],
    ['books_cover', {}, { output: 'The cover:\n[image image/png]\nIts first page.', isError: false }],
    ['books_borrow', { title: 'Cats' }, { output: '"Cats" is lent out.', isError: true }],
    [SHELF, {}, { output: 'of a shelf', isError: false }],
  ])('%s gives what the server gave', async (name, args, outcome) => {
    expect(await given().call(name, args)).toEqual(outcome);
  });

  it('with arguments that the server refuses is an error in the server’s words, and runs nothing', async () => {
    const { call, failures } = given();
    const outcome = await call('books_search', { query: 7 });
    expect(outcome).toMatchObject({ isError: true, output: expect.stringContaining('query') });
    expect(server.calls).toEqual([]);
    expect(failures).toEqual([]);
    expect(await call('books_search', JSON.parse('[1]'))).toMatchObject({
      isError: true,
      output: expect.stringContaining('must be an object'),
    });
  });

  it('goes on when the server says meanwhile what it does', async () => {
    const { call, failures } = given();
    const outcome = call('books_wait');
    await vi.waitUntil(() => server.calls.length === 1);
    server.endWaits();
    expect([await outcome, failures]).toEqual([{ output: 'waited', isError: false }, []]);
  });

  it('ends when it is stopped', async () => {
    const { call } = given();
    const stop = new AbortController();
    const outcome = call('books_wait', {}, stop.signal);
    await vi.waitUntil(() => server.calls.length === 1);
    stop.abort();
    expect(await outcome).toEqual({ output: 'The tool was stopped before it was done.', isError: true });
  });

  it('to a server that has forgotten the session connects anew: it was surely not taken', async () => {
    const { call, names } = given();
    await names();
    server.forgetSessions();
    expect(await call('books_search', { query: 'cats' })).toMatchObject({ output: 'One book about cats.' });
    expect(server.calls).toHaveLength(1);
  });

  const error = (id: unknown, code: number, message: string) =>
    JSON.stringify({ jsonrpc: '2.0', id, error: { code, message } });
  /** As servers were reported to answer a session that they have forgotten. */
  const FORGOTTEN: [string, (requestId: unknown) => { status: number; body: string }][] = [
    [
      '404 and the id of the request',
      (id) => ({ status: 404, body: error(id, -32001, 'Session not found') }),
    ],
    ['404 and no id', () => ({ status: 404, body: error(null, -32001, 'Session not found') })],
    [
      '404 and the id "server-error"',
      () => ({ status: 404, body: error('server-error', -32600, 'Session not found') }),
    ],
    ['400', () => ({ status: 400, body: error(null, -32000, 'Bad Request: Server not initialized') })],
    [
      '400 and the id "server-error"',
      () => ({ status: 400, body: error('server-error', -32600, 'No valid session ID provided') }),
    ],
    ['401 and text', () => ({ status: 401, body: 'Unauthorized: Session not found' })],
    ['409', () => ({ status: 409, body: '' })],
    ['503', (id) => ({ status: 503, body: error(id, -32000, 'Unknown session') })],
    ['503 and a page', () => ({ status: 503, body: '<html>Service Unavailable</html>' })],
  ];

  it.each(FORGOTTEN)(
    'to a server that has forgotten the session, and says so by %s, runs once',
    async (_, refusal) => {
      const { call, names, failures } = given();
      await names();
      server.forgetSessions(refusal);
      expect(await call('books_search', { query: 'cats' })).toMatchObject({ output: 'One book about cats.' });
      expect(server.calls).toHaveLength(1);
      expect(failures).toEqual([]);
    },
  );

  it.each(FORGOTTEN)('the tools are listed over a new session, after %s', async (_, refusal) => {
    const { names, later, failures } = given();
    await names();
    server.forgetSessions(refusal);
    later(6 * MINUTE);
    expect(await names()).toEqual(ALL);
    expect(failures).toEqual([]);
  });

  it('P12: is made in a session of the one who asks, with headers that are made of who asks', async () => {
    const { call, names } = given({
      headers: async ({ caller }) => ({ 'x-user': caller?.principal.subject ?? 'nobody' }),
    });
    expect(await names()).toEqual(ALL);
    const { caller } = ANNS_SETUP;
    const bobs = { caller: { ...caller, principal: { tenant: 'acme', subject: 'bob' } } };
    for (const setup of [ANNS_SETUP, ANNS_SETUP, bobs, ANNS_SETUP])
      expect(await call('books_search', { query: 'tea' }, context.signal, setup)).toMatchObject({
        isError: false,
      });
    expect(server.callers.map(({ user }) => user)).toEqual(['ann', 'ann', 'bob', 'ann']);
    expect(server.callers[0]?.session).toBe(server.callers[1]?.session);
    // As the list of tools, which all have, was asked for by nobody.
    expect(await names()).toEqual(ALL);
  });

  it('that is refused over a new session too was not run, and the result says so', async () => {
    const { call, names, failures } = given();
    await names();
    server.refuseCallsWith(400);
    expect(await call('books_search', { query: 'cats' })).toEqual({
      output: 'The server "books" refused the call (HTTP 400): the tool was not run.',
      isError: true,
    });
    expect(server.requests.filter((line) => line.endsWith('tools/call'))).toHaveLength(2);
    expect(failures).toEqual(['books']);
  });

  it.each([
    [500, 'Internal Server Error'],
    [502, 'Bad Gateway'],
    [504, 'Gateway Timeout'],
    [408, 'Request Timeout'],
    [503, 'upstream connect error or disconnect/reset before headers. reset reason: connection termination'],
  ])('that may have run before a %i (%s) is not made again, and the next one is', async (status, body) => {
    const { call, names } = given();
    await names();
    server.answerCallsWith({ status, body });
    expect(await call('books_search', { query: 'cats' })).toEqual({
      output: 'The connection to the server "books" broke off: the tool may or may not have run.',
      isError: true,
    });
    expect(server.calls).toHaveLength(1);
    server.answerCallsWith(undefined);
    expect(await call('books_search', { query: 'dogs' })).toMatchObject({ output: 'One book about dogs.' });
  });

  it.each(['before', 'after'] as const)(
    'that breaks off %s it ran is not repeated, and says that nobody knows',
    async (when) => {
      const { call, names, failures } = given();
      await names();
      server.cutNextCall(when);
      expect(await call('books_search', { query: 'cats' })).toEqual({
        output: 'The connection to the server "books" broke off: the tool may or may not have run.',
        isError: true,
      });
      expect(server.calls).toHaveLength(when === 'before' ? 0 : 1);
      expect(failures).toEqual(['books']);
      expect(await call('books_search', { query: 'dogs' })).toMatchObject({ output: 'One book about dogs.' });
    },
  );

  it('that breaks off is repeated where the server’s tools are idempotent', async () => {
    const { call, names, toolbox } = given({ idempotent: true, timeoutSeconds: 7 });
    await names();
    server.cutNextCall('after');
    expect(await call('books_search', { query: 'cats' })).toMatchObject({ output: 'One book about cats.' });
    expect(server.calls).toHaveLength(2);
    // Known without the server, for a worker that takes over.
    expect(toolbox.isIdempotent('books_search')).toBe(true);
    expect(toolbox.timeLimitMs('books_search')).toBe(7000);
    expect(given().toolbox.isIdempotent('books_search')).toBe(false);
  });
});

describe('what a server may cost', () => {
  it('a result above the limit is not read to its end, and the model is told', async () => {
    const { call, names, logged } = given({ maxResponseBytes: 100_000 });
    await names();
    expect(await call('books_search', { query: 'x'.repeat(200_000) })).toEqual({
      output: "The server's answer has more than 100000 bytes and was not read: the tool may have run.",
      isError: true,
    });
    expect(logged).toContainEqual([
      'an MCP server gave a result that is too large',
      { server: 'books', tool: 'search' },
    ]);
    // The next call has a connection of its own.
    expect(await call('books_search', { query: 'cats' })).toMatchObject({ output: 'One book about cats.' });
  });

  it('no more tools than the limit are offered, which the log says', async () => {
    const { names, logged } = given({ maxTools: 2 });
    expect(await names()).toHaveLength(2);
    expect(logged).toMatchObject([
      [
        'an MCP server has more tools than fit: the others are not offered',
        { server: 'books', offered: 2, left: 5 },
      ],
    ]);
  });

  it('nor more text of them', async () => {
    const { names } = given({ maxToolBytes: 200 });
    expect((await names()).length).toBeLessThan(ALL.length);
  });
});

describe('a server that cannot be reached', () => {
  it('is left out, is asked again after half a minute, and keeps nobody waiting meanwhile', async () => {
    server.answerWith(503);
    const { names, missing, call, later, failures, logged } = given();
    expect(await names()).toEqual([]);
    expect(await missing()).toEqual(['books']);
    expect(failures).toEqual(['books']);
    expect(logged).toMatchObject([
      [
        'an MCP server could not be asked for its tools',
        { server: 'books', known: false, error: 'HTTP 503' },
      ],
    ]);
    expect(await call('books_search', { query: 'cats' })).toEqual({
      output: 'The server "books" cannot be reached: the tool was not run.',
      isError: true,
    });
    const asked = server.requests.length;
    server.answerWith(undefined);
    later(29_000);
    expect(await names()).toEqual([]);
    expect(server.requests).toHaveLength(asked);
    later(2000);
    expect(await names()).toEqual(ALL);
    expect(await missing()).toEqual([]);
    expect(await call('books_search', { query: 'cats' })).toMatchObject({ isError: false });
  });

  it('keeps nobody longer than its time limit', async () => {
    server.answerWith('nothing');
    const { names, logged } = given({ connectSeconds: 0.05 });
    expect(await names()).toEqual([]);
    expect(logged).toHaveLength(1);
  });

  it('keeps the tools that it had: its calls say that it is gone, and find it again', async () => {
    const { names, call, later, failures } = given();
    await names();
    later(6 * MINUTE);
    server.answerWith(500);
    expect(await names()).toEqual(ALL);
    expect(await call('books_search', { query: 'cats' })).toEqual({
      output: 'The server "books" cannot be reached: the tool was not run.',
      isError: true,
    });
    expect(failures).toEqual(['books', 'books']);
    server.answerWith(undefined);
    expect(await call('books_search', { query: 'cats' })).toMatchObject({ output: 'One book about cats.' });
  });
});

describe('a token', () => {
  it('goes along, and is in no log', async () => {
    await server.close();
    server = await startMcpServer({ token: 'the-token-of-the-library' });
    expect(await given({ token: 'bearer' }).names()).toEqual(ALL);
    const refused = given({
      token: { header: 'X-Key' },
      headers: { Authorization: 'Bearer the-token-of-somebody' },
    });
    expect(await refused.names()).toEqual([]);
    expect(refused.logged).toMatchObject([[expect.any(String), { error: 'HTTP 401' }]]);
    expect(JSON.stringify(refused.logged)).not.toContain('the-token');
  });

  it('that was rotated is used by the next call, and a call that runs comes to its end', async () => {
    await server.close();
    server = await startMcpServer({ token: 'the-token-of-the-library' });
    const { call, rotate } = given({ token: 'bearer' });
    const running = call('books_wait');
    await expect.poll(() => server.calls).toEqual(['wait {}']);
    server.takeToken('the-second-token');
    rotate('the-second-token');
    expect(await call('books_search', { query: 'cats' })).toMatchObject({ output: 'One book about cats.' });
    expect(server.requests.filter((line) => line.endsWith(' initialize'))).toHaveLength(2);
    server.endWaits();
    expect(await running).toMatchObject({ output: 'waited' });
  });
});

it('an agent has no tool of its own by the name of a server’s', () => {
  const tool = { execute: () => '', inputSchema: {} } as never;
  expect(() => given({}, { books_search: { tool } })).toThrow(
    'Tool name "books_search": what begins with "books_" is a tool of the MCP server "books".',
  );
  expect(() => given({}, { books: { tool } })).not.toThrow();
});
