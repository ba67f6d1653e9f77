import type { IncomingHttpHeaders } from 'node:http';
import { describe, expect, it } from 'vitest';
import {
  type Answer,
  type Answers,
  given,
  listing,
  text,
  tool,
} from '../../test/support/answering-mcp-server.ts';
import type { McpServerDefinition } from './definition.ts';

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

  it('that waits on a connection which another call found broken ends, and says that nobody knows', async () => {
    const isAsked = Promise.withResolvers<void>();
    let calls = 0;
    const server = await calling(() => {
      if (calls++ > 0) return { status: 500 };
      isAsked.resolve();
      return 'nothing';
    });
    const first = server.call();
    await isAsked.promise;
    for (const outcome of [await server.call(), await first])
      expect(outcome).toMatchObject({
        isError: true,
        output: expect.stringContaining('may or may not have run'),
      });
    expect(server.failures).toEqual(['books', 'books']);
  });

  it('has a result of a mebibyte at most, where the agent says nothing of it', async () => {
    const limit = 1024 * 1024;
    for (const [size, isError] of [
      [limit, false],
      [limit + 1, true],
    ] as const) {
      const server = await given(({ method, id }) => {
        if (method === 'tools/list') return listing(tool('read'));
        if (method !== 'tools/call') return undefined;
        const rest = JSON.stringify({ jsonrpc: '2.0', id, ...(text('') as object) }).length;
        return text('x'.repeat(size - rest));
      });
      const outcome = await server.call();
      expect(outcome.isError).toBe(isError);
      if (isError) expect(outcome.output).toContain('has more than 1048576 bytes');
    }
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
