import { hasToolCall, isStepCount, type StepResult, type ToolSet, tool } from 'ai';
import { expect, test } from 'vitest';
import * as z from 'zod';
import type { TurnInMemory } from '../../core/testing/turn-in-memory.ts';
import type { AgentOptions } from '../../model/agent/agent-options.ts';
import { type ModelCall, resultsIn, runAgent, runWithDeaths, scriptedModel } from './agent-in-memory.ts';

const search = {
  idempotent: true,
  tool: tool({ inputSchema: z.object({ page: z.number() }), execute: ({ page }) => `page ${page}` }),
};

/** Searches for ever. */
const searching = (call: ModelCall) => [['search', { page: resultsIn(call).length + 1 }]] as const;

const isDone = { type: 'done', finish_reason: 'tool_calls' };

test.each<[string, NonNullable<AgentOptions['stopWhen']>, number]>([
  ['a number of steps', isStepCount(3), 3],
  ['a call of a tool', hasToolCall('search'), 1],
  ['the first of several conditions', [isStepCount(5), isStepCount(2)], 2],
  [
    'what the steps have used',
    ({ steps }) => steps.reduce((sum, { usage }) => sum + (usage.inputTokens ?? 0), 0) >= 40,
    4,
  ],
])(
  'the turn is done after %s, and the results are the last thing in the transcript',
  async (_what, stopWhen, steps) => {
    const { said, end, calls } = await runAgent({ tools: { search }, stopWhen }, searching);
    expect(calls).toHaveLength(steps);
    expect(said.at(-1)).toEqual({ gave: `page ${steps}` });
    expect(end).toMatchObject({ ...isDone, steps });
  },
);

test('P8 after the death of a worker at any write, the turn stops after the same step', async () => {
  const turns = await runWithDeaths({ tools: { search }, stopWhen: isStepCount(3) }, searching);
  expect(turns.length).toBeGreaterThan(5);
  for (const { said, end } of turns) {
    expect(said).toEqual(turns[0]?.said);
    expect(end).toMatchObject(isDone);
  }
});

test('a condition is asked of the steps as they are stored', async () => {
  let asked: StepResult<ToolSet>[] = [];
  await runAgent(
    {
      tools: { search },
      stopWhen: ({ steps }) => {
        asked = steps;
        return steps.length === 2;
      },
    },
    searching,
  );
  expect(asked).toMatchObject([
    {
      stepNumber: 0,
      toolCalls: [{ toolName: 'search', input: { page: 1 } }],
      toolResults: [{ output: 'page 1' }],
    },
    {
      stepNumber: 1,
      model: { provider: 'house.chat', modelId: 'scripted' },
      finishReason: 'tool-calls',
      toolResults: [{ output: 'page 2' }],
      usage: { inputTokens: 10, outputTokens: 5 },
    },
  ]);
});

test('P6 a message that waits where the turn would stop goes on with it', async () => {
  let turn: TurnInMemory | undefined;
  const asking = {
    ...search,
    tool: tool({
      inputSchema: z.object({ page: z.number() }),
      execute: async ({ page }) => {
        if (page === 1) await turn?.send('m2', 'And the next page?');
        return `page ${page}`;
      },
    }),
  };
  const { said, end } = await runAgent(
    { tools: { search: asking }, stopWhen: hasToolCall('search') },
    (call) => (resultsIn(call).length > 0 ? 'There is no more.' : searching(call)),
    {
      began: (began) => {
        turn = began;
      },
    },
  );
  expect(said.at(-1)).toBe('There is no more.');
  expect(end).toMatchObject({ type: 'done', finish_reason: 'stop' });
});

test('a condition that throws ends the turn with an error, and what was shown stays', async () => {
  const { said, end } = await runAgent(
    {
      tools: { search },
      stopWhen: () => {
        throw new Error('no');
      },
    },
    searching,
  );
  expect(end).toMatchObject({ type: 'error', code: 'AGENT_ERROR', retryable: false });
  expect(said).toHaveLength(2);
});

/** Models that were named. */
let named = 0;

const SYSTEM = (call: ModelCall | undefined) => call?.prompt.find(({ role }) => role === 'system')?.content;

test('`prepareStep` changes one call: its settings, tools, instructions and messages', async () => {
  const { calls } = await runAgent(
    {
      instructions: 'Be brief.',
      temperature: 0.7,
      tools: { search },
      prepareStep: ({ stepNumber, messages, steps }) =>
        stepNumber === 0
          ? { temperature: 0, toolChoice: 'required', instructions: 'Search first.' }
          : { activeTools: [], messages: messages.slice(-2 * steps.length) },
    },
    (call) => (resultsIn(call).length > 0 ? 'Done.' : searching(call)),
  );
  expect(calls[0]).toMatchObject({ temperature: 0, toolChoice: { type: 'required' } });
  expect(SYSTEM(calls[0])).toBe('Search first.');
  expect(calls[1]).toMatchObject({ temperature: 0.7 });
  expect(calls[1]?.tools ?? []).toEqual([]);
  expect(SYSTEM(calls[1])).toBe('Be brief.');
  expect(calls[1]?.prompt.map(({ role }) => role)).toEqual(['system', 'assistant', 'tool']);
});

test('P1 a message that the call is to answer stays in the prompt, whatever `prepareStep` returns', async () => {
  const { calls } = await runAgent({ prepareStep: () => ({ messages: [] }) }, () => 'Hello.', {
    message: 'Who are you?',
  });
  expect(JSON.stringify(calls[0]?.prompt)).toContain('Who are you?');
});

test.each<[string, NonNullable<AgentOptions['prepareStep']>]>([
  ['throws', () => Promise.reject(new Error('no'))],
  ['names what is no model', () => ({ model: { provider: 'house' } as never })],
  [
    'chooses messages, and another model each time',
    ({ messages }) => ({ model: scriptedModel(() => 'No.', `house.${++named}`), messages }),
  ],
  ['changes what would be lost with its worker', () => ({ runtimeContext: { user: 'ann' } })],
])('a turn whose `prepareStep` %s fails before the model is called', async (_what, prepareStep) => {
  const { end, calls } = await runAgent({ prepareStep }, () => 'Hello.');
  expect(end).toMatchObject({ type: 'error', message: 'The agent could not prepare this step.' });
  expect(calls).toEqual([]);
});

test('P8 after the death of a worker at any write, steps are prepared from the same steps', async () => {
  const turns = await runWithDeaths(
    {
      tools: { search },
      prepareStep: ({ steps }) => (steps.length === 2 ? { toolChoice: 'none' } : {}),
    },
    (call) => (call.toolChoice?.type === 'none' ? 'That is all.' : searching(call)),
  );
  expect(turns.length).toBeGreaterThan(5);
  for (const { said } of turns) expect(said).toEqual(turns[0]?.said);
});

const strong = () => scriptedModel((call) => `There are ${resultsIn(call).length}.`, 'house.strong');
const prices = {
  currency: 'EUR',
  perMillionTokens: {
    'house.chat:scripted': { input: 1, output: 1 },
    'house.strong:scripted': { input: 10, output: 10 },
  },
};

test('a step is asked of the model that `prepareStep` names, and `done` says what each model used and cost', async () => {
  const other = strong();
  const models: string[] = [];
  const { calls, end } = await runAgent(
    {
      tools: { search },
      prices,
      prepareStep: ({ stepNumber, model }) => {
        models.push(typeof model === 'string' ? model : model.provider);
        return stepNumber === 2 ? { model: other, temperature: 0.2 } : {};
      },
    },
    searching,
  );
  expect([calls, other.doStreamCalls].map(({ length }) => length)).toEqual([2, 1]);
  expect(other.doStreamCalls[0]).toMatchObject({ temperature: 0.2 });
  expect(models).toEqual(['house.chat', 'house.chat', 'house.chat']);
  expect(end).toMatchObject({
    type: 'done',
    provider: 'house.strong',
    model: 'scripted',
    steps: 3,
    cost: 0.00018,
    by_model: [
      { provider: 'house.chat', steps: 2, input_tokens: 20, cost: 0.00003 },
      { provider: 'house.strong', steps: 1, input_tokens: 10, cost: 0.00015 },
    ],
  });
});

test('`steps` say which model made each of them', async () => {
  const asked: string[][] = [];
  const second = scriptedModel(searching, 'house.strong');
  await runAgent(
    {
      tools: { search },
      prepareStep: ({ steps }) => {
        asked.push(steps.map(({ model }) => model.provider));
        return steps.length === 1 ? { model: second } : {};
      },
    },
    (call) => (resultsIn(call).length > 1 ? 'Done.' : searching(call)),
  );
  expect(asked.at(-1)).toEqual(['house.chat', 'house.strong']);
});

test('`prepareStep` that names a model and messages is asked again with the prompt for that model', async () => {
  const other = strong();
  let asked = 0;
  const { calls } = await runAgent(
    {
      tools: { search },
      prepareStep: ({ stepNumber, messages }) => {
        asked++;
        return stepNumber === 1 ? { model: other, messages: messages.slice(-2) } : {};
      },
    },
    searching,
  );
  expect(calls).toHaveLength(1);
  expect(asked).toBe(3);
  expect(other.doStreamCalls[0]?.prompt.map(({ role }) => role)).toEqual(['assistant', 'tool']);
});

test('P8 after the death of a worker at any write, each step is asked of the same model', async () => {
  let other = strong();
  const asked: number[] = [];
  const turns = await runWithDeaths(
    {
      tools: { search },
      prices,
      prepareStep: ({ steps }) => (steps.length === 2 ? { model: other } : {}),
    },
    searching,
    () => {
      asked.push(other.doStreamCalls.length);
      other = strong();
    },
  );
  expect(turns.length).toBeGreaterThan(5);
  for (const { said, end } of turns) {
    expect(said).toEqual(turns[0]?.said);
    expect(end).toMatchObject({ type: 'done', provider: 'house.strong' });
  }
  for (const times of asked) expect(times).toBeGreaterThan(0);
});
