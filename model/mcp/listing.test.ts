import { describe, expect, it } from 'vitest';
import { given, listing, startAnsweringServer, tool } from '../../test/support/answering-mcp-server.ts';
import { defineAgent } from '../agent/define-agent.ts';
import type { McpServerDefinition } from './definition.ts';
import { createToolSource } from './tool-source.ts';

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

  it('has 64 tools and 64 KiB at most, where the agent says nothing of it', async () => {
    const counted = async (...tools: object[]) => {
      const { names } = await given(({ method }) =>
        method === 'tools/list' ? listing(...tools) : undefined,
      );
      return (await names()).length;
    };
    const many = (count: number) => Array.from({ length: count }, (_, n) => tool(`t${n}`));
    expect([await counted(...many(64)), await counted(...many(65))]).toEqual([64, 64]);
    const long = (size: number) => {
      const described = (description: string) => ({
        name: 'long',
        description,
        inputSchema: { type: 'object' },
      });
      return described('x'.repeat(size - JSON.stringify(described('')).length));
    };
    expect([await counted(long(64 * 1024)), await counted(long(64 * 1024 + 1))]).toEqual([1, 0]);
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

  it.each<Partial<McpServerDefinition>>([{ token: { header: 'X-Key' } }, { forwardToken: true }])(
    'that does not come says why in the log, without the token that the server quotes: %j',
    async (definition) => {
      const { offered, logged } = await given(({ method }, { authorization = '', 'x-key': key }) => {
        const message = `Not with ${key ?? authorization.slice('Bearer '.length)}`;
        return method === 'tools/list' ? { error: { code: -32000, message } } : undefined;
      }, definition);
      await offered(async () => 'of-ann');
      const [[, fields] = ['', {}]] = logged;
      expect(fields).toEqual({
        server: 'books',
        known: false,
        error: expect.stringMatching(/Not with \[redacted\]$/),
      });
    },
  );
});

describe('the tools of several servers', () => {
  it('stand before those of the agent, and a server that cannot be reached is missing until it answers', async () => {
    let isUp = false;
    const maps = await startAnsweringServer(({ method }) =>
      method === 'tools/list' ? listing(tool('find')) : undefined,
    );
    const books = await startAnsweringServer(({ method }) => {
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
