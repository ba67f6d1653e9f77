import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json as readJson } from 'node:stream/consumers';
import { afterEach, describe, expect, it } from 'vitest';
import type { UserToken } from '../../core/model.ts';
import { ANNS_SETUP, NO_FILES, UNSEEN } from '../../core/testing/call-setup.ts';
import { defineAgent } from '../agent/define-agent.ts';
import { createToolbox } from '../tools/toolbox.ts';
import type { McpServerDefinition } from './definition.ts';
import { createToolSource } from './tool-source.ts';

/** A server that answers what a test says, also what the protocol's own SDK would not. */

interface Message {
  method: string;
  id?: unknown;
  params: { cursor?: string; name?: string; protocolVersion?: string };
}
/** A result, an error of the protocol, a status of HTTP, or no answer. */
type Answer = { result: object } | { error: object } | { status: number } | 'nothing';
type Answers = (message: Message, headers: IncomingHttpHeaders) => Answer | undefined;

const open: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of open.splice(0)) await close();
});

async function startServer(answers: Answers) {
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
  open.push(
    () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  );
  const times = (method: string) => asked.filter((one) => one.method === method).length;
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`, asked, times };
}

const tool = (name: string, more: object = {}) => ({ name, inputSchema: { type: 'object' }, ...more });
const listing = (...tools: object[]): Answer => ({ result: { tools } });
const text = (words: string): Answer => ({ result: { content: [{ type: 'text', text: words }] } });

async function given(
  answers: Answers,
  definition: Partial<McpServerDefinition> = {},
  urls: Record<string, string> = {},
  token = async () => 'of-the-deployment',
) {
  const server = await startServer(answers);
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

const MINUTE = 60_000;

describe('the list of a server’s tools', () => {
  it('is asked for again after five minutes, and after half a minute where it failed', async () => {
    for (const [status, pause] of [
      [200, 5 * MINUTE],
      [500, MINUTE / 2],
    ] as const) {
      const { offered, later, times } = await given(({ method }) =>
        method === 'tools/list' ? (status === 200 ? listing(tool('read')) : { status }) : undefined,
      );
      await offered();
      const first = times('tools/list');
      later(pause - 1);
      await offered();
      expect(times('tools/list')).toBe(first);
      later(1);
      await offered();
      expect(times('tools/list')).toBeGreaterThan(first);
    }
  });

  it('is the same while nothing has changed, and each change is told once', async () => {
    let list = [tool('read', { description: 'Reads.' }), tool('write')];
    const { offered, later, logged } = await given(({ method }) =>
      method === 'tools/list' ? listing(...list) : undefined,
    );
    const first = await offered();
    later(6 * MINUTE);
    expect(await offered()).toBe(first);
    list = [tool('read', { description: 'Reads aloud.' }), tool('write')];
    later(6 * MINUTE);
    const second = await offered();
    expect(second.tools.books_read?.tool.description).toBe('Reads aloud.');
    later(6 * MINUTE);
    expect(await offered()).toBe(second);
    list = [tool('read', { description: 'Reads.' })];
    later(6 * MINUTE);
    await offered();
    expect(logged.map(([, fields]) => fields)).toEqual([
      { server: 'books', added: [], removed: [], changed: ['read'] },
      { server: 'books', added: [], removed: ['write'], changed: ['read'] },
    ]);
  });

  it('is offered in one order, each name once: the first tool that has it', async () => {
    const { offered, names, logged } = await given(({ method }) =>
      method === 'tools/list'
        ? listing(
            tool('write'),
            tool('read', { description: 'The first.' }),
            tool('read', { description: 'The second.' }),
          )
        : undefined,
    );
    expect(await names()).toEqual(['books_read', 'books_write']);
    expect((await offered()).tools.books_read?.tool.description).toBe('The first.');
    expect(logged).toEqual([
      ['tools of an MCP server have the name of another one', { server: 'books', doubled: ['read'] }],
    ]);
  });

  it('has what the server says of each tool, well-formed, with the policy of the server', async () => {
    const policy = { idempotent: true, timeoutSeconds: 7 };
    const { offered } = await given(
      ({ method }) =>
        method === 'tools/list' ? listing(tool('read', { description: 'A half: \ud83d' })) : undefined,
      policy,
    );
    const { tools } = await offered();
    expect(tools.books_read).toMatchObject({ ...policy, tool: { description: 'A half: \ufffd' } });
    expect((tools.books_read?.tool.inputSchema as { jsonSchema?: unknown } | undefined)?.jsonSchema).toEqual({
      type: 'object',
      properties: {},
    });
  });

  it('is read for twenty pages at most', async () => {
    const { names, times } = await given(({ method, params }) => {
      if (method !== 'tools/list') return undefined;
      const page = Number(params?.cursor ?? 0);
      return { result: { tools: [tool(`t${page}`)], nextCursor: `${page + 1}` } };
    });
    expect(await names()).toHaveLength(20);
    expect(times('tools/list')).toBe(20);
  });

  it('that is too long is offered in part: the log has the first ten names of the others, as far as there is room', async () => {
    for (const [name, first] of [
      ['t', 't1, t2, t3, t4, t5, t6, t7, t8, t9, t10'],
      [
        'x'.repeat(40),
        `${Array.from({ length: 10 }, (_, n) => `${'x'.repeat(40)}${n + 1}`)
          .join(', ')
          .slice(0, 299)}…`,
      ],
    ]) {
      const tools = Array.from({ length: 13 }, (_, n) => tool(`${name}${n}`));
      const { names, logged } = await given(
        ({ method }) => (method === 'tools/list' ? listing(...tools) : undefined),
        {
          maxTools: 1,
        },
      );
      expect(await names()).toEqual([`books_${name}0`]);
      expect(logged.map(([, fields]) => fields)).toEqual([{ server: 'books', offered: 1, left: 12, first }]);
    }
  });

  it('that does not come again leaves the tools that are known, and says so', async () => {
    let isUp = true;
    const { offered, later, logged, failures } = await given(({ method }) => {
      if (method !== 'tools/list') return undefined;
      return isUp ? listing(tool('read')) : { error: { code: -32000, message: 'Closed.' } };
    });
    const first = await offered();
    isUp = false;
    later(6 * MINUTE);
    expect(await offered()).toBe(first);
    expect([first.missing, failures]).toEqual([[], ['books']]);
    expect(logged.map(([, fields]) => fields)).toEqual([
      { server: 'books', known: true, error: expect.stringContaining('Closed.') },
    ]);
  });

  it('does not come without a token of the deployment, or where nobody listens: the log says which', async () => {
    const noToken = () => Promise.reject(new Error('There is no token for books.'));
    const tokenless = await given(() => undefined, { token: 'bearer' }, {}, noToken);
    expect((await tokenless.offered()).missing).toEqual(['books']);
    expect([tokenless.logged[0]?.[1].error, tokenless.asked]).toEqual([
      'Error: There is no token for books.',
      [],
    ]);
    const unheard = await given(() => undefined, {}, { books: 'http://127.0.0.1:1/mcp' });
    await unheard.offered();
    expect(unheard.logged[0]?.[1].error).toMatch(/fetch failed.*\(.*\)/);
  });

  it('is of none of the tools where the agent names none', async () => {
    const { names } = await given(
      ({ method }) => (method === 'tools/list' ? listing(tool('read')) : undefined),
      { tools: [] },
    );
    expect(await names()).toEqual([]);
  });

  it('that is refused in many words has 300 of their characters in the log', async () => {
    const { offered, logged } = await given(({ method }) =>
      method === 'tools/list' ? { error: { code: -32000, message: 'é'.repeat(400) } } : undefined,
    );
    await offered();
    expect(String(logged[0]?.[1].error)).toMatch(/é…$/);
    expect(String(logged[0]?.[1].error)).toHaveLength(300);
  });

  it('that does not come says why in the log, without the tokens that the server quotes', async () => {
    const { offered, logged } = await given(
      ({ method }, headers) =>
        method === 'tools/list'
          ? { error: { code: -32000, message: `Not with ${headers['x-key']} or ${headers.authorization}` } }
          : undefined,
      { token: { header: 'X-Key' }, forwardToken: true },
    );
    await offered(async () => 'of-ann');
    const [[, fields] = ['', {}]] = logged;
    expect(fields).toEqual({
      server: 'books',
      known: false,
      error: expect.stringContaining('Not with [redacted]'),
    });
    expect(JSON.stringify(logged)).not.toMatch(/of-the-deployment|of-ann/);
  });
});

describe('a request to a server', () => {
  const usual: Answers = ({ method }) => {
    if (method === 'tools/list') return listing(tool('read'));
    return method === 'tools/call' ? text('read') : undefined;
  };
  const sent = ({ asked }: { asked: { method: string; headers: IncomingHttpHeaders }[] }, name: string) => [
    ...new Set(asked.filter(({ method }) => method === 'tools/call').map(({ headers }) => headers[name])),
  ];

  it('goes to the address of the settings, where they have one', async () => {
    const { call } = await given(usual, { url: 'https://nobody.invalid/mcp' }, { books: 'the server' });
    expect(await call()).toEqual({ output: 'read', isError: false });
  });

  it('has the token before a header of the same name, and the headers of the agent', async () => {
    const headers = { Authorization: 'Bearer of-somebody', 'x-team': 'shop' };
    const server = await given(usual, { token: 'bearer', headers });
    await server.call();
    expect([sent(server, 'authorization'), sent(server, 'x-team')]).toEqual([
      ['Bearer of-the-deployment'],
      ['shop'],
    ]);
  });

  it('P12: has the token of the user beside that of the deployment, where this has a header of its own', async () => {
    const server = await given(usual, { token: { header: 'X-Key' }, forwardToken: true });
    await server.call('books_read', { token: async () => 'of-ann' });
    expect([sent(server, 'authorization'), sent(server, 'x-key')]).toEqual([
      ['Bearer of-ann'],
      ['of-the-deployment'],
    ]);
  });
});

describe('a call', () => {
  const calling = (answer: () => Answer, definition?: Partial<McpServerDefinition>) =>
    given(({ method }) => {
      if (method === 'tools/list') return listing(tool('read'));
      return method === 'tools/call' ? answer() : undefined;
    }, definition);

  it('that the server answers with an error did not run: its words are told, and the session goes on', async () => {
    let answers = 0;
    const server = await calling(() =>
      answers++ === 0 ? { error: { code: -32602, message: 'No such page.' } } : text('read'),
    );
    expect(await server.call()).toEqual({ output: 'No such page.', isError: true });
    expect(await server.call()).toEqual({ output: 'read', isError: false });
    expect([server.times('tools/call'), server.times('initialize'), server.failures]).toEqual([2, 1, []]);
  });

  it('has an id of its own, whichever process makes it: one that goes on with a call would have that of the first', async () => {
    const ids = new Set<unknown>();
    for (const _ of ['one process', 'another one']) {
      const server = await calling(() => text('read'));
      await server.call();
      await server.call();
      for (const { method, id } of server.asked) if (method === 'tools/call') ids.add(id);
    }
    expect(ids.size).toBe(4);
  });

  it('that failed with more than words is told as JSON', async () => {
    const { call } = await calling(() => ({
      result: { content: [], structuredContent: { left: 0 }, isError: true },
    }));
    expect(await call()).toEqual({ output: '{"left":0}', isError: true });
  });

  it('that is refused is made once more, and fails then, as the count of failures says once', async () => {
    for (const idempotent of [false, true]) {
      const server = await calling(() => ({ status: 400 }), { idempotent });
      expect(await server.call()).toMatchObject({
        isError: true,
        output: expect.stringContaining('refused the call (HTTP 400)'),
      });
      expect([server.times('tools/call'), server.failures]).toEqual([2, ['books']]);
    }
  });

  it('that may have run is made once more if it is idempotent, and else says that nobody knows', async () => {
    for (const [idempotent, times] of [
      [false, 1],
      [true, 2],
    ] as const) {
      const server = await calling(() => ({ status: 500 }), { idempotent });
      expect(await server.call()).toMatchObject({
        isError: true,
        output: expect.stringContaining('may or may not have run'),
      });
      expect([server.times('tools/call'), server.failures]).toEqual([times, ['books']]);
    }
  });

  it('whose server does not open another session in time says that it cannot be reached', async () => {
    let connects = 0;
    const server = await given(
      ({ method }) => {
        if (method === 'tools/list') return listing(tool('read'));
        if (method === 'tools/call') return { status: 404 };
        return method === 'initialize' && connects++ > 0 ? 'nothing' : undefined;
      },
      { connectSeconds: 0.5 },
    );
    expect(await server.call()).toEqual({
      output: 'The server "books" cannot be reached: the tool was not run.',
      isError: true,
    });
    expect(server.failures).toEqual(['books']);
  });

  it('that is stopped is no failure of the server, also while it connects, and the next one goes on', async () => {
    const stopped = { output: 'The tool was stopped before it was done.', isError: true };
    const stop = new AbortController();
    let answers = 0;
    const server = await calling(() => {
      if (answers++ > 0) return text('read');
      stop.abort();
      return 'nothing';
    });
    expect(await server.call('books_read', { signal: stop.signal })).toEqual(stopped);
    expect(await server.call()).toEqual({ output: 'read', isError: false });
    expect([server.times('initialize'), server.failures]).toEqual([1, []]);

    let connects = 0;
    const leave = new AbortController();
    const slow = await given(({ method }) => {
      if (method === 'tools/list') return listing(tool('read'));
      if (method === 'tools/call') return { status: 400 };
      if (method !== 'initialize' || connects++ === 0) return undefined;
      leave.abort();
      return 'nothing';
    });
    expect(await slow.call('books_read', { signal: leave.signal })).toEqual(stopped);
    expect(slow.failures).toEqual([]);
  });
});

describe('the tools of several servers', () => {
  it('stand before those of the agent, and a server that cannot be reached is missing until it answers', async () => {
    let isUp = false;
    const maps = await startServer(({ method }) =>
      method === 'tools/list' ? listing(tool('find')) : undefined,
    );
    const books = await startServer(({ method }) => {
      if (!isUp) return { status: 503 };
      return method === 'tools/list' ? listing(tool('read')) : undefined;
    });
    let now = 0;
    const own = { inputSchema: {}, execute: () => '' };
    const agent = defineAgent({
      tools: { own } as never,
      mcp: { maps: { url: maps.url }, books: { url: books.url } },
    });
    const source = createToolSource(agent, {
      urls: {},
      token: async () => '',
      warn: () => {},
      failed: () => {},
      now: () => now,
    });
    const first = await source.offered();
    expect([Object.keys(first.tools), first.missing]).toEqual([['maps_find', 'own'], ['books']]);
    expect(await source.offered()).toBe(first);
    isUp = true;
    now = MINUTE;
    const second = await source.offered();
    expect([Object.keys(second.tools), second.missing]).toEqual([['maps_find', 'books_read', 'own'], []]);
  });
});
