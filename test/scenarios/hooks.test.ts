import { rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { buildVariant } from '../conformance/variant-bundles.ts';
import { accepted, end, eventsOf } from '../support/frames.ts';
import { createGate } from '../support/model-server.ts';
import { givenStack } from '../support/stack.ts';
import { WAIT_MS } from '../support/timeouts.ts';
import { killWorker } from '../support/workers.ts';

/** Hooks of a deployed agent, through the WebSocket. Each asks a server of the test what it has to answer. */

interface Asked {
  hook: string;
  key: string;
  about: string;
}

const asked: Asked[] = [];
/** Answers a hook, when it may. */
let answer: (asked: Asked, n: number) => unknown = () => null;
const server = createServer(async (request, response) => {
  const one = (await json(request)) as Asked;
  asked.push(one);
  const value = await answer(one, asked.filter(({ hook }) => hook === one.hook).length);
  response.end(JSON.stringify(value ?? null));
});
let url = '';
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
const folder = join(import.meta.dirname, '../../dist/agent-with-hooks');
afterAll(async () => {
  server.closeAllConnections();
  await new Promise<void>((resolve) => server.close(() => resolve()));
  await rm(folder, { recursive: true, force: true, maxRetries: 10 });
});

const agentAsking = (address: string) => `
import { tool } from 'ai';
import { defineAgent } from 'midturn/agent';
import { z } from 'zod';

const ask = async (hook, about, { idempotencyKey: key, abortSignal: signal }) => {
  const body = JSON.stringify({ hook, key, about: JSON.stringify(about) });
  const response = await fetch('${address}', { method: 'POST', body, signal });
  return (await response.json()) ?? undefined;
};

export const agent = defineAgent({
  instructions: 'Answer briefly.',
  tools: { note: tool({ inputSchema: z.object({ text: z.string() }), execute: async ({ text }) => ({ noted: text }) }),
    locate: tool({ inputSchema: z.object({ exact: z.boolean() }) }) },
  hooks: {
    beforeTurn: (event) => ask('beforeTurn', [event.messages, event.steering], event),
    beforeToolCall: (event) => ask('beforeToolCall', event.toolCall, event),
    afterToolCall: (event) => ask('afterToolCall', event.output, event),
    afterTurn: (event) => ask('afterTurn', [event.outcome, event.usage, event.messages], event),
  },
});
`;

describe('an agent with hooks', () => {
  const stack = givenStack(() => ({
    settings: { MIDTURN_VISIBILITY_SECONDS: '2' },
    bundles: () => buildVariant({ files: { 'agent/agent.ts': agentAsking(url) } }, folder),
  }));
  const given = (answers: typeof answer) => {
    asked.length = 0;
    answer = answers;
  };
  const of = (hook: string) => asked.filter((one) => one.hook === hook);
  const toldOf = (n: number) =>
    vi.waitFor(() => expect(of('afterTurn').length).toBeGreaterThanOrEqual(n), { timeout: WAIT_MS });

  it('a refused turn ends with the team’s words, costs no model call, and no later prompt has its message', async () => {
    given(({ about }) => (about.includes('bomb') ? { refuse: 'I do not help with that.' } : null));
    const model = stack.script([{ chunks: ['Good day.'] }]);
    const session = stack.newSession();
    const client = await stack.connect(session);
    client.send({ type: 'message', id: 'm1', content: 'a bomb' });
    const refusal = { code: 'TURN_REFUSED', message: 'I do not help with that.', refused: ['m1'] };
    expect(await end(client)).toMatchObject({ type: 'error', ...refusal, retryable: false, terminal: true });
    expect(model.requests).toHaveLength(0);
    client.send({ type: 'message', id: 'm2', content: 'hello' });
    expect(await end(client, 2)).toMatchObject({ type: 'done' });
    expect(model.prompt(1)).toEqual(['user: hello']);
    const again = await stack.connect(session);
    again.send({ type: 'history' });
    const { entries } = await again.next('history');
    expect(entries).toMatchObject([
      { role: 'user', id: 'm1', content: 'a bomb' },
      { role: 'event', event: { type: 'error', ...refusal } },
      { role: 'user', id: 'm2' },
      { role: 'assistant' },
      { role: 'event' },
    ]);
    await toldOf(2);
  });

  it('a message that steers is asked about as well: refused, it ends the turn, and what was said stays', async () => {
    given(({ hook, about }) => (hook === 'beforeTurn' && about.includes('bomb') ? { refuse: 'No.' } : null));
    const gate = createGate();
    const model = stack.script([{ chunks: ['A long', gate, ' story.'] }, { chunks: ['never'] }]);
    const client = await stack.connect(stack.newSession());
    client.send({ type: 'message', id: 'm1', content: 'a story' });
    await client.waitFor('chunk');
    client.send({ type: 'message', id: 'm2', content: 'a bomb' });
    await accepted(client, 'm2');
    gate.open();
    expect(await end(client)).toMatchObject({
      code: 'TURN_REFUSED',
      full_response: 'A long story.',
      refused: ['m2'],
    });
    expect(model.requests).toHaveLength(1);
    expect(of('beforeTurn').map(({ about }) => JSON.parse(about)[1])).toEqual([false, true]);
    await toldOf(1);
  });

  it('P11: what hooks make of a call and its output is shown, stored and given to the model', async () => {
    given(({ hook }) => {
      if (hook === 'beforeToolCall') return { input: { text: 'changed' } };
      return hook === 'afterToolCall' ? { output: 'checked' } : null;
    });
    const model = stack.script([
      { toolCalls: [{ id: 'c1', name: 'note', args: { text: 'as the model gave it' } }] },
      { chunks: ['Noted.'] },
    ]);
    const client = await stack.connect(stack.newSession());
    client.send({ type: 'message', id: 'm1', content: 'note this' });
    await end(client);
    expect(eventsOf(client)).toContainEqual(
      expect.objectContaining({ type: 'tool_call', args: { text: 'changed' } }),
    );
    expect(eventsOf(client)).toContainEqual(
      expect.objectContaining({ type: 'tool_result', output: 'checked' }),
    );
    expect(of('afterToolCall')[0]?.about).toBe('{"noted":"changed"}');
    expect(JSON.stringify(model.requests[1]?.body)).toContain('checked');
    expect(JSON.stringify(model.requests[1]?.body)).not.toContain('as the model gave it');
    await toldOf(1);
  });

  it('a tool that the client runs: a refused call is not asked for, and what the client gives is checked', async () => {
    given(({ hook, about }) => {
      if (hook === 'beforeToolCall') return about.includes('true') ? { refuse: 'Not exactly.' } : null;
      return hook === 'afterToolCall' ? { output: 'somewhere' } : null;
    });
    const locate = (id: string, exact: boolean) => ({ id, name: 'locate', args: { exact } });
    stack.script([{ toolCalls: [locate('c1', true), locate('c2', false)] }, { chunks: ['Found.'] }]);
    const client = await stack.connect(stack.newSession());
    client.send({ type: 'message', id: 'm1', content: 'where am I?' });
    const { request_id, tool_call_id } = await client.next('tool_output_request');
    expect(tool_call_id).toBe('c2');
    client.send({ type: 'tool_output', request_id, output: { latitude: 38.7 } });
    expect(await end(client)).toMatchObject({ type: 'done', full_response: 'Found.' });
    const results = eventsOf(client).flatMap((event) => (event.type === 'tool_result' ? event : []));
    expect(results).toMatchObject([
      { id: 'c1', is_error: true, output: expect.stringContaining('Not exactly.') },
      { id: 'c2', output: 'somewhere' },
    ]);
    expect(of('afterToolCall').map(({ about }) => about)).toEqual(['{"latitude":38.7}']);
    expect(eventsOf(client).filter(({ type }) => type === 'tool_output_request')).toHaveLength(1);
    await toldOf(1);
  });

  it('a worker that is killed in a hook: the next one asks again, under the same key', async () => {
    const [before, after] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    given(async ({ hook }, n) => {
      if (n === 1 && hook === 'beforeTurn') await before.promise;
      if (n === 1 && hook === 'afterTurn') await after.promise;
      return null;
    });
    stack.script(() => ({ chunks: ['Here.'] }));
    const client = await stack.connect(stack.newSession());
    // It is posted events again by the worker that takes over, and counts them by their number.
    client.send({ type: 'connect' });
    client.send({ type: 'message', id: 'm1', content: 'go' });
    await vi.waitFor(() => expect(of('beforeTurn')).toHaveLength(1), { timeout: WAIT_MS });
    await killWorker(stack.cloud);
    expect(await end(client)).toMatchObject({ type: 'done', full_response: 'Here.' });
    await toldOf(1);
    await killWorker(stack.cloud);
    await toldOf(2);
    for (const gate of [before, after]) gate.resolve();
    for (const hook of ['beforeTurn', 'afterTurn']) {
      const keys = of(hook).map(({ key }) => key);
      expect(keys).toHaveLength(2);
      expect(new Set(keys).size).toBe(1);
    }
    expect(eventsOf(client).filter(({ type }) => type === 'done')).toHaveLength(1);
  });
});
