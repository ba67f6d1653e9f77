import { tool } from 'ai';
import { expect, test } from 'vitest';
import * as z from 'zod';
import { ANNS_SETUP } from '../../core/testing/call-setup.ts';
import type { AgentOptions } from '../../model/agent/agent-options.ts';
import { defineAgent } from '../../model/agent/define-agent.ts';
import { createToolbox } from '../../model/tools/toolbox.ts';
import { type ModelCall, resultsIn, runAgent, runWithDeaths } from './agent-in-memory.ts';

const PIXEL = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGNgAAIAAAUAAeImBZsAAAAASUVORK5CYII=';

const picture = tool({
  description: 'Draws a map of a city.',
  inputSchema: z.object({ city: z.string() }),
  execute: async ({ city }) => ({ city, bytes: Uint8Array.from(Buffer.from(PIXEL, 'base64')) }),
  toModelOutput: ({ output }) => ({
    type: 'content',
    value: [
      { type: 'text', text: `A map of ${output.city}.` },
      { type: 'file', mediaType: 'image/png', data: { type: 'data', data: output.bytes } },
    ],
  }),
});

const withPicture: AgentOptions = { tools: { picture: { tool: picture, idempotent: true } } };

const drawing = (call: ModelCall) =>
  resultsIn(call).length > 0 ? 'Here it is.' : ([['picture', { city: 'Lisbon' }]] as const);

test('a tool of the AI SDK stands in `tools` as it is, and the model is shown what `toModelOutput` gives', async () => {
  const { said, calls } = await runAgent({ tools: { picture } }, drawing);
  expect(said).toHaveLength(3);
  expect(calls).toHaveLength(2);
  expect(calls[1] && resultsIn(calls[1])).toEqual([
    {
      type: 'content',
      value: [
        { type: 'text', text: 'A map of Lisbon.' },
        { type: 'file', mediaType: 'image/png', data: { type: 'data', data: PIXEL } },
      ],
    },
  ]);
});

test('P13 after the death of a worker at any write, the model is shown the same picture', async () => {
  const shown: unknown[] = [];
  const turns = await runWithDeaths(withPicture, (call) => {
    if (resultsIn(call).length > 0) shown.push(resultsIn(call));
    return drawing(call);
  });
  expect(turns.length).toBeGreaterThan(3);
  for (const { said } of turns) expect(said).toEqual(turns[0]?.said);
  for (const results of shown) expect(results).toEqual(shown[0]);
});

test('a picture that is too large for the transcript is not kept: the model is shown the output', async () => {
  const large = tool({
    inputSchema: z.object({}),
    execute: () => 'drawn',
    toModelOutput: () => ({
      type: 'content',
      value: [{ type: 'text', text: 'x'.repeat(300_000) }],
    }),
  });
  const { calls } = await runAgent({ tools: { large } }, (call) =>
    resultsIn(call).length > 0 ? 'Done.' : [['large', {}]],
  );
  expect(calls[1] && resultsIn(calls[1])).toEqual([{ type: 'text', value: 'drawn' }]);
});

test('a picture that has no room in the transcript is named to the model, with the way to show it, and what has room is shown', async () => {
  const file = (bytes: number) => ({
    type: 'file' as const,
    mediaType: 'image/png',
    data: { type: 'data' as const, data: new Uint8Array(bytes) },
  });
  const large = tool({
    inputSchema: z.object({}),
    execute: () => 'drawn',
    toModelOutput: () => ({
      type: 'content',
      value: [file(100), file(150_000), { type: 'text', text: 'Two.' }],
    }),
  });
  const { calls } = await runAgent({ tools: { large } }, (call) =>
    resultsIn(call).length > 0 ? 'Done.' : [['large', {}]],
  );
  expect(calls[1] && resultsIn(calls[1])).toMatchObject([
    {
      value: [
        { type: 'file' },
        { type: 'text', text: expect.stringMatching(/image\/png, 150000 bytes.*context\.files\.put/) },
        { text: 'Two.' },
      ],
    },
  ]);
});

test('a tool is given its context, checked by its schema, beside the key of the call', async () => {
  const given: unknown[] = [];
  const search = tool({
    inputSchema: z.object({ query: z.string() }),
    contextSchema: z.object({ account: z.string(), limit: z.number().default(3) }),
    execute: (_input, { context }) => given.push(context),
  });
  const script = (call: ModelCall) =>
    resultsIn(call).length > 0 ? 'Done.' : ([['search', { query: 'open' }]] as const);
  await runAgent({ tools: { search }, toolsContext: { search: { account: 'a-1' } } }, script);
  expect(given).toEqual([
    {
      account: 'a-1',
      limit: 3,
      idempotencyKey: expect.stringContaining(':call-'),
      caller: expect.anything(),
      emit: expect.any(Function),
      files: expect.anything(),
      userToken: expect.any(Function),
    },
  ]);
  const { said } = await runAgent({ tools: { search }, toolsContext: { search: { account: 1 } } }, script);
  expect(said[1]).toEqual({
    gave: 'The context of the tool "search" does not fit its contextSchema.',
    failed: true,
  });
});

test('so many calls of a step run at the same time as `toolCallConcurrency` says, and each has its result', async () => {
  let running = 0;
  let most = 0;
  const count = tool({
    inputSchema: z.object({ n: z.number() }),
    execute: async ({ n }) => {
      running += 1;
      most = Math.max(most, running);
      await new Promise(setImmediate);
      running -= 1;
      return n;
    },
  });
  const script = (call: ModelCall) =>
    resultsIn(call).length > 0 ? 'Done.' : [1, 2, 3, 4, 5].map((n) => ['count', { n }] as const);
  const { said } = await runAgent({ tools: { count }, toolCallConcurrency: 2 }, script);
  expect(most).toBe(2);
  expect(said.filter((entry) => typeof entry === 'object' && entry !== null && 'gave' in entry)).toEqual(
    [1, 2, 3, 4, 5].map((gave) => ({ gave })),
  );
  await runAgent({ tools: { count } }, script);
  expect(most).toBe(5);
});

test('a call whose input does not fit is repaired before it is committed', async () => {
  const add = tool({ inputSchema: z.object({ a: z.number() }), execute: ({ a }) => a + 1 });
  const { said } = await runAgent(
    { tools: { add }, repairToolCall: async ({ toolCall }) => ({ ...toolCall, input: '{"a":1}' }) },
    (call) => (resultsIn(call).length > 0 ? 'Done.' : [['add', { a: 'one' }]]),
  );
  expect(said).toEqual([{ called: 'add', with: { a: 1 } }, { gave: 2 }, 'Done.']);
});

test('`needsApproval` of the AI SDK’s tool holds, with its input and its context; what stands beside the tool goes before it', async () => {
  const refund = tool({
    inputSchema: z.object({ amount: z.number() }),
    contextSchema: z.object({ limit: z.number() }),
    needsApproval: ({ amount }, { context }) => amount > context.limit,
    execute: () => 'paid',
  });
  const toolsContext = { refund: { limit: 10 } };
  const asks = (options: AgentOptions, amount: number) =>
    createToolbox(defineAgent(options)).needsApproval(
      { id: '1', name: 'refund', args: { amount } },
      ANNS_SETUP,
    );
  expect(await asks({ tools: { refund }, toolsContext }, 11)).toBe(true);
  expect(await asks({ tools: { refund }, toolsContext }, 10)).toBe(false);
  const beside = { tool: refund, needsApproval: false };
  expect(await asks({ tools: { refund: beside }, toolsContext }, 11)).toBe(false);
});
