import { type StepResult, type ToolSet, tool } from 'ai';
import { expect, test } from 'vitest';
import * as z from 'zod';
import type { AgentOptions } from '../../model/agent/agent-options.ts';
import { defineAgent } from '../../model/agent/define-agent.ts';
import type { Caller } from '../../model/agent/index.ts';
import { toolContext } from '../../model/agent/tool-context.ts';
import { type ModelCall, resultsIn, runAgent, runWithDeaths } from './agent-in-memory.ts';

const instructionsOf = (call: ModelCall | undefined) =>
  call?.prompt.find(({ role }) => role === 'system')?.content;

const CONNECTION = {
  claims: JSON.stringify({ email: 'ann@example.com', roles: ['buyer'] }),
  locale: 'pt-PT',
  timeZone: 'Europe/Lisbon',
};

const ANN: Caller = {
  principal: { tenant: 'acme', subject: 'ann' },
  session: { id: expect.any(String) },
  turnId: expect.any(String),
  claims: { email: 'ann@example.com', roles: ['buyer'] },
  locale: 'pt-PT',
  timeZone: 'Europe/Lisbon',
};

/** The orders of whoever asks. */
const orders = (seen: unknown[]) =>
  tool({
    inputSchema: z.object({}),
    contextSchema: toolContext,
    execute: (_input, { context: { caller } }) => {
      seen.push(caller);
      return `orders of ${caller.principal.subject}`;
    },
  });

const asking = (call: ModelCall) =>
  resultsIn(call).length > 0 ? 'That is all.' : ([['orders', {}]] as const);

test('a tool is told who asks: principal, session, turn, claims, options, language and time zone', async () => {
  const seen: unknown[] = [];
  await runAgent(
    {
      tools: { orders: orders(seen) },
      callOptionsSchema: z.object({ since: z.string(), limit: z.number().default(3) }),
    },
    asking,
    { connection: CONNECTION, messageOptions: { since: '2026-01' } },
  );
  expect(seen).toEqual([{ ...ANN, options: { since: '2026-01', limit: 3 } }]);
});

test('without a schema, a tool is given no options: nothing says what they are', async () => {
  const seen: unknown[] = [];
  await runAgent({ tools: { orders: orders(seen) } }, asking, {
    connection: CONNECTION,
    messageOptions: { admin: true },
  });
  expect(seen).toEqual([ANN]);
});

test('`needsApproval`, a tool’s description and `prepareStep` are told who asks', async () => {
  const seen: unknown[] = [];
  const { calls } = await runAgent(
    {
      tools: {
        orders: tool({
          description: ({ context }) =>
            `Orders of ${(context as { caller: Caller }).caller.principal.subject}.`,
          inputSchema: z.object({}),
          contextSchema: toolContext,
          needsApproval: (_input, { context }) => {
            seen.push(context.caller);
            return false;
          },
          execute: () => 'none',
        }),
      },
      prepareStep: (step) => {
        seen.push((step as unknown as { caller: Caller }).caller);
        return {};
      },
    },
    asking,
    { connection: CONNECTION },
  );
  expect(seen).toEqual([ANN, ANN, ANN]);
  expect(calls[0]?.tools).toMatchObject([{ description: 'Orders of ann.' }]);
});

test('a function makes the instructions of who asks', async () => {
  const { calls } = await runAgent(
    { instructions: async ({ caller }) => `Answer ${caller.claims.email} in ${caller.locale}.` },
    () => 'Hello.',
    { connection: CONNECTION },
  );
  expect(instructionsOf(calls[0])).toBe('Answer ann@example.com in pt-PT.');
});

const schema = z.object({ accountType: z.enum(['free', 'pro']), days: z.coerce.date().optional() });

test('`prepareCall` changes settings, instructions and contexts for the turn, of validated options', async () => {
  const seen: unknown[] = [];
  let steps: StepResult<ToolSet>[] = [];
  const { calls } = await runAgent(
    {
      instructions: 'You help.',
      temperature: 1,
      topK: 5,
      runtimeContext: { plan: 'none' },
      callOptionsSchema: schema,
      tools: {
        orders: tool({
          inputSchema: z.object({}),
          contextSchema: z.object({ account: z.string() }),
          execute: (_input, { context }) => seen.push(context.account),
        }),
      },
      prepareCall: ({ options, caller, topK: _, ...call }) => ({
        ...call,
        temperature: options.accountType === 'free' ? 0 : 1,
        instructions: `${call.instructions} ${caller.principal.subject} is ${options.accountType}.`,
        activeTools: ['orders'],
        runtimeContext: { plan: options.accountType },
        toolsContext: { orders: { account: 'a-1' } },
      }),
      prepareStep: ({ runtimeContext, steps: done }) => {
        seen.push(runtimeContext.plan);
        steps = done;
        return {};
      },
    },
    asking,
    { messageOptions: { accountType: 'free' } },
  );
  expect(calls).toHaveLength(2);
  for (const call of calls) {
    expect(call).toMatchObject({ temperature: 0 });
    expect(call.topK).toBeUndefined();
    expect(instructionsOf(call)).toBe('You help. ann is free.');
  }
  expect(seen).toEqual(['free', 'a-1', 'free']);
  expect(steps).toMatchObject([{ runtimeContext: { plan: 'free' } }]);
});

test('P8 after the death of a worker at any write, the turn has the context that was committed with its start', async () => {
  let asked = 0;
  const seen: unknown[] = [];
  const { writes } = await runAgent({ tools: { orders: orders([]) } }, asking);
  const turns = await runWithDeaths(
    {
      tools: { orders: { tool: orders(seen), idempotent: true } },
      callOptionsSchema: z.object({ n: z.number() }),
      instructions: ({ caller }) => `${++asked} for ${caller.principal.subject}`,
      prepareCall: ({ options, ...call }) => ({ ...call, temperature: options.n }),
    },
    (call) => (resultsIn(call).length > 0 ? `${instructionsOf(call)} at ${call.temperature}` : asking(call)),
    undefined,
    { messageOptions: { n: 0.5 } },
  );
  expect(turns.length).toBeGreaterThanOrEqual(writes);
  for (const { said, end, calls } of turns) {
    expect(end).toMatchObject({ type: 'done' });
    // Each model call of the turn, of whichever worker, has the instructions that were committed.
    const [instructions] = new Set(calls.map(instructionsOf));
    for (const call of calls) expect(instructionsOf(call)).toBe(instructions);
    expect(said.at(-1)).toBe(`${instructions} at 0.5`);
  }
});

test.each<[string, AgentOptions['prepareCall']]>([
  ['throws', () => Promise.reject(new Error('no'))],
  ['returns another model', (call) => ({ ...call, model: 'house/other' })],
  ['returns other tools', (call) => ({ ...call, tools: {} })],
  ['returns another function', (call) => ({ ...call, stopWhen: () => true })],
  ['returns what is no JSON', (call) => ({ ...call, runtimeContext: { now: new Date(0) } })],
  ['returns messages', ({ prompt: _, ...call }) => ({ ...call, messages: [] })],
  ['returns more than can be committed', (call) => ({ ...call, instructions: 'x'.repeat(17_000) })],
  ['returns nothing', () => undefined as never],
])(
  'P2 a turn whose `prepareCall` %s ends in an error, and its message is in the transcript',
  async (_what, prepareCall) => {
    const { end, calls } = await runAgent({ prepareCall: prepareCall as never }, () => 'Hello.');
    expect(end).toMatchObject({
      type: 'error',
      code: 'AGENT_ERROR',
      message: 'The agent could not prepare this turn.',
    });
    expect(calls).toEqual([]);
  },
);

test('what `defineAgent` takes is typed by the schema and by the context, as in the AI SDK', () => {
  defineAgent({
    callOptionsSchema: schema,
    runtimeContext: { plan: 'none', count: 1 },
    prepareCall: ({ options, caller, ...call }) => {
      const type: 'free' | 'pro' = options.accountType;
      // @ts-expect-error: the schema has no such field
      options.other;
      return { ...call, instructions: `${type} ${caller.principal.tenant}`, temperature: 0 };
    },
    prepareStep: ({ runtimeContext }) => ({ temperature: runtimeContext.count }),
  });
});
