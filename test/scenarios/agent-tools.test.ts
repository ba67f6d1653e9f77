import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { buildVariant } from '../conformance/variant-bundles.ts';
import { end, framesOf } from '../support/frames.ts';
import { startMcpServer, type TestMcpServer } from '../support/mcp-server.ts';
import { type Stack, startStack } from '../support/stack.ts';
import { WAIT_MS } from '../support/timeouts.ts';
import { killWorker } from '../support/workers.ts';

const folder = join(import.meta.dirname, '../../dist/agent-tools');
const TOKEN = 'token-of-the-library';

/** An agent as a team might write it: a tool with the schema of another library than zod, and two MCP servers. */
const AGENT = `
import { toStandardJsonSchema } from '@valibot/to-json-schema';
import { tool } from 'ai';
import { defineAgent } from 'midturn/agent';
import * as v from 'valibot';
import { currentTime } from './tools/current-time.ts';
import { wait } from './tools/wait.ts';

const weigh = tool({
  description: 'Weighs something.',
  inputSchema: toStandardJsonSchema(
    v.object({ grams: v.pipe(v.number(), v.minValue(1)), unit: v.optional(v.string(), 'g') }),
  ),
  execute: ({ grams, unit }) => ['It weighs', grams, unit].join(' '),
});

const hold = tool({
  description: 'Ends only by its signal.',
  inputSchema: toStandardJsonSchema(v.object({})),
  execute: (_input, { abortSignal }) =>
    new Promise((_, reject) => abortSignal.addEventListener('abort', () => reject(new Error('stopped')))),
});

export const agent = defineAgent({
  instructions: 'Answer briefly.',
  mcp: {
    books: { url: 'https://books.invalid/mcp', token: 'bearer', timeoutSeconds: 5 },
    gone: { url: 'http://127.0.0.1:9/mcp', connectSeconds: 1 },
  },
  tools: {
    weigh: { tool: weigh, idempotent: true },
    current_time: { tool: currentTime, idempotent: true },
    wait: { tool: wait, idempotent: true, abortable: true },
    hold: { tool: hold, timeoutSeconds: 600 },
    hold_for_now: { tool: hold, timeoutSeconds: 600, abortable: true },
  },
});
`;

describe('tools of an agent', () => {
  let server: TestMcpServer;
  let stack: Stack;
  let sessions = 0;
  beforeAll(async () => {
    server = await startMcpServer({ token: TOKEN });
    stack = await startStack({
      settings: {
        MIDTURN_MCP_URLS: `books=${server.url}`,
        MIDTURN_MCP_TOKENS_SECRET: 'team/mcp-tokens',
        MIDTURN_VISIBILITY_SECONDS: '2',
      },
      secrets: { 'team/mcp-tokens': `books=${TOKEN}\n` },
      bundles: () => buildVariant({ files: { 'agent/agent.ts': AGENT } }, folder),
    });
  });
  afterAll(async () => {
    await stack.settleClients();
    await stack.close();
    await server.close();
    await rm(folder, { recursive: true, force: true, maxRetries: 10 });
  });

  async function ask(toolCalls: { id: string; name: string; args: string | object }[]) {
    const scripted = stack.model.script([{ toolCalls: toolCalls as never }, { chunks: ['So.'] }]);
    const client = await stack.connect(`session-${++sessions}`);
    // Also a client that sees a take-over's repeats.
    client.send({ type: 'connect' });
    await client.next('connected');
    client.send({ type: 'message', content: 'first' });
    return { client, scripted };
  }

  it('P13: of an MCP server are declared by its name, run, and answered; one that is down is left out', async () => {
    const { client, scripted } = await ask([
      { id: 'c1', name: 'books_search', args: { query: 'cats' } },
      { id: 'c2', name: 'books_borrow', args: { title: 'Cats' } },
      { id: 'c3', name: 'gone_ask', args: {} },
    ]);
    expect(await end(client)).toMatchObject({ type: 'done', full_response: 'So.', steps: 2 });
    const results = framesOf(client, 'tool_result').map(({ id, output, is_error = false }) => [
      id,
      output,
      is_error,
    ]);
    expect(results.toSorted()).toEqual([
      ['c1', 'One book about cats.', false],
      ['c2', '"Cats" is lent out.', true],
      ['c3', expect.stringContaining('There is no tool named "gone_ask"'), true],
    ]);
    const declared = scripted.requests[0]?.body.tools?.map((tool) => tool.function) ?? [];
    expect(declared.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['books_search', 'books_count', 'current_time', 'weigh']),
    );
    expect(declared.find(({ name }) => name === 'books_search')).toMatchObject({
      description: 'Looks for a book.',
      parameters: { type: 'object', properties: { query: { type: 'string' } }, required: ['query'] },
    });
    const [system] = scripted.requests[0]?.body.messages ?? [];
    expect(system?.content).toContain('The tools of gone cannot be reached at the moment.');
    expect(system?.content).not.toContain('books');
    let log = '';
    // Metrics are written when the invocation ends.
    await vi.waitUntil(() => {
      log += stack.takeLog().join('\n');
      return /"McpFailures":\[?1/.test(log);
    });
    expect(log).toContain('an MCP server could not be asked for its tools');
    expect(log).not.toContain(TOKEN);
    expect(await stack.stored.everything()).not.toContain(TOKEN);
  });

  it('P13: a call to an MCP server that a worker died over is not run again: nobody knows what came of it', async () => {
    const before = server.calls.length;
    const { client } = await ask([{ id: 'c1', name: 'books_wait', args: {} }]);
    await vi.waitUntil(() => server.calls.length === before + 1, { timeout: WAIT_MS });
    await killWorker(stack.cloud);
    expect(await client.waitFor('tool_result')).toMatchObject({
      is_error: true,
      output: expect.stringContaining('Unknown outcome'),
    });
    expect(await end(client)).toMatchObject({ type: 'done', full_response: 'So.' });
    expect(server.calls).toHaveLength(before + 1);
  });

  it('P6 P13: a message that does not wait stops the tools of a batch that may be stopped, and the others are finished', async () => {
    const before = server.calls.length;
    const { client, scripted } = await ask([
      { id: 'c1', name: 'books_wait', args: {} },
      { id: 'c2', name: 'wait', args: { seconds: 10 } },
    ]);
    await vi.waitUntil(() => server.calls.length === before + 1, { timeout: WAIT_MS });
    client.send({ type: 'message', content: 'hurry', delivery: 'now' });
    expect(await client.next('tool_result')).toMatchObject({ id: 'c2', is_error: true });
    expect(scripted.requests).toHaveLength(1);
    server.endWaits();
    expect(await end(client)).toMatchObject({ type: 'done', full_response: 'So.' });
    expect(framesOf(client, 'tool_result')[1]).toMatchObject({ id: 'c1', output: 'waited' });
    expect(framesOf(client, 'tool_result')[1]).not.toHaveProperty('is_error');
    expect(scripted.prompt(2).at(-1)).toBe('user: hurry');
  });

  it.each(['hold', 'hold_for_now'])(
    'P13: an abort ends a tool that ends only by its signal: %s',
    async (name) => {
      const { client } = await ask([{ id: 'c1', name, args: {} }]);
      await client.next('tool_call');
      client.send({ type: 'abort' });
      expect(await end(client)).toMatchObject({ type: 'aborted' });
      expect(framesOf(client, 'tool_result')).toMatchObject([
        { id: 'c1', is_error: true, output: expect.stringContaining('the turn was stopped') },
      ]);
    },
  );

  it('P6: a message that does not wait ends an abortable tool that ends only by its signal', async () => {
    const { client, scripted } = await ask([{ id: 'c1', name: 'hold_for_now', args: {} }]);
    await client.next('tool_call');
    client.send({ type: 'message', content: 'hurry', delivery: 'now' });
    expect(await end(client)).toMatchObject({ type: 'done', full_response: 'So.' });
    expect(framesOf(client, 'tool_result')).toMatchObject([{ id: 'c1', is_error: true }]);
    expect(scripted.prompt(2).at(-1)).toBe('user: hurry');
  });

  it('with the schema of another library are declared, checked, and given what it makes of the input', async () => {
    const { client, scripted } = await ask([
      { id: 'c1', name: 'weigh', args: { grams: 5 } },
      { id: 'c2', name: 'weigh', args: { grams: 0 } },
      { id: 'c3', name: 'weigh', args: { grams: 'much' } },
    ]);
    await end(client);
    const results = framesOf(client, 'tool_result').map(({ id, output }) => [id, output]);
    expect(results.toSorted()).toEqual([
      ['c1', 'It weighs 5 g'],
      ['c2', expect.stringMatching(/do not fit the tool "weigh": grams: .*1/)],
      ['c3', expect.stringMatching(/do not fit the tool "weigh": grams: /)],
    ]);
    const declared = scripted.requests[0]?.body.tools?.map((tool) => tool.function);
    expect(declared?.find(({ name }) => name === 'weigh')).toMatchObject({
      parameters: {
        type: 'object',
        properties: { grams: { type: 'number', minimum: 1 } },
        required: ['grams'],
      },
    });
  });
});
