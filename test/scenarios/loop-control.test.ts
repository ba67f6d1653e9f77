import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { buildVariant } from '../conformance/variant-bundles.ts';
import { end, framesOf } from '../support/frames.ts';
import { createGate } from '../support/model-server.ts';
import { givenStack } from '../support/stack.ts';
import { killWorker } from '../support/workers.ts';

const folder = join(import.meta.dirname, '../../dist/agent-with-conditions');

/** An agent whose code looks back at the steps of a turn, as the AI SDK's agents do. */
const AGENT = `
import { hasToolCall, tool } from 'ai';
import { defineAgent } from 'midturn/agent';
import { z } from 'zod';

const search = tool({
  description: 'Searches.',
  inputSchema: z.object({ page: z.number() }),
  execute: ({ page }) => 'page ' + page,
});
const handIn = tool({
  description: 'Hands the result in.',
  inputSchema: z.object({ result: z.string() }),
  execute: () => 'handed in',
});

export const agent = defineAgent({
  instructions: 'Search, then hand in.',
  tools: { search: { tool: search, idempotent: true }, hand_in: { tool: handIn, idempotent: true } },
  stopWhen: hasToolCall('hand_in'),
  prepareStep: ({ steps }) =>
    steps.length < 2
      ? { activeTools: ['search'], instructions: 'Search.' }
      : { activeTools: ['hand_in'], toolChoice: { type: 'tool', toolName: 'hand_in' } },
});
`;

const search = (page: number) => ({ toolCalls: [{ name: 'search', args: { page }, id: `s${page}` }] });
const handIn = { toolCalls: [{ name: 'hand_in', args: { result: 'all' }, id: 'h1' }] };

describe('stopWhen and prepareStep of an agent', () => {
  const stack = givenStack({
    settings: { MIDTURN_VISIBILITY_SECONDS: '2' },
    bundles: () => buildVariant({ files: { 'agent/agent.ts': AGENT } }, folder),
  });
  afterAll(() => rm(folder, { recursive: true, force: true, maxRetries: 10 }));

  const toolsOf = (body: { tools?: { function: { name: string } }[] | undefined }) =>
    body.tools?.map((tool) => tool.function.name);

  it('prepare each call from the steps before it, and end the turn after the results of the last', async () => {
    const model = stack.script([search(1), search(2), handIn]);
    const client = await stack.connect(stack.newSession());
    client.send({ type: 'message', id: 'm1', content: 'Find all.' });
    expect(await end(client)).toMatchObject({ type: 'done', finish_reason: 'tool_calls', steps: 3 });
    expect(framesOf(client, 'tool_result').map(({ output }) => output)).toEqual([
      'page 1',
      'page 2',
      'handed in',
    ]);
    const bodies = model.requests.map(({ body }) => body);
    expect(bodies.map(toolsOf)).toEqual([['search'], ['search'], ['hand_in']]);
    expect(bodies.map(({ messages }) => messages[0]?.content)).toEqual([
      'Search.',
      'Search.',
      'Search, then hand in.',
    ]);
  });

  it('P8 know the same steps after a worker has died', async () => {
    const gate = createGate();
    const model = stack.script([search(1), { chunks: ['Let me', gate] }, search(2), handIn]);
    const client = await stack.connect(stack.newSession());
    // A client that sees a take-over's repeats.
    client.send({ type: 'connect' });
    await client.next('connected');
    client.send({ type: 'message', id: 'm1', content: 'Find all.' });
    await client.next('chunk');
    await killWorker(stack.cloud);
    expect(await end(client)).toMatchObject({ type: 'done', finish_reason: 'tool_calls', steps: 3 });
    expect(model.requests.map(({ body }) => toolsOf(body))).toEqual([
      ['search'],
      ['search'],
      ['search'],
      ['hand_in'],
    ]);
  });
});
