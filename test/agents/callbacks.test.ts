import { Output, tool } from 'ai';
import { expect, test } from 'vitest';
import * as z from 'zod';
import { systemClock } from '../../aws/system.ts';
import type { Clock } from '../../core/ports.ts';
import type { TurnInMemory } from '../../core/testing/turn-in-memory.ts';
import type { AgentOptions } from '../../model/agent/agent-options.ts';
import { CALLBACK_MS, CALLBACKS, type CallbackName } from '../../model/agent/callbacks.ts';
import { type ModelCall, resultsIn, runAgent, runWithDeaths } from './agent-in-memory.ts';

const look = {
  idempotent: true,
  tool: tool({ inputSchema: z.object({ page: z.number() }), execute: ({ page }) => `page ${page}` }),
};

/** Looks once, then answers. */
const looking = (call: ModelCall) =>
  resultsIn(call).length > 0 ? 'It says so.' : ([['look', { page: 1 }]] as const);

type Told = readonly [name: CallbackName, event: Record<string, unknown>];

/** An agent that keeps what its callbacks are told. */
function watching(options: AgentOptions = {}, names: readonly CallbackName[] = CALLBACKS) {
  const told: Told[] = [];
  const callbacks = Object.fromEntries(
    names.map((name) => [name, (event: Record<string, unknown>) => void told.push([name, event])]),
  );
  return { told, options: { tools: { look }, ...options, ...callbacks } as AgentOptions };
}

const namesOf = (told: readonly Told[]) => told.map(([name]) => name);
const eventsOf = (told: readonly Told[], name: CallbackName) =>
  told.flatMap(([one, event]) => (one === name ? [event] : []));

test('callbacks are called in the order in which things happen, each event once, of one run', async () => {
  const { told, options } = watching();
  await runAgent(options, looking);
  expect(namesOf(told)).toEqual([
    'onStart',
    'onStepStart',
    'onLanguageModelCallStart',
    'onLanguageModelCallEnd',
    'onToolExecutionStart',
    'onToolExecutionEnd',
    'onStepEnd',
    'onStepStart',
    'onLanguageModelCallStart',
    'onLanguageModelCallEnd',
    'onStepEnd',
    'onEnd',
  ]);
  const ids = new Set(told.map(([, { callId }]) => callId));
  expect(ids.size).toBe(1);
  expect([...ids][0]).toMatch(/./);
});

test('the events have what the SDK’s have: prompt, steps, calls, results, usage', async () => {
  const { told, options } = watching({ instructions: 'Be brief.' });
  await runAgent(options, looking);
  expect(eventsOf(told, 'onStart')).toMatchObject([
    { modelId: 'scripted', instructions: 'Be brief.', messages: [{ role: 'user' }] },
  ]);
  expect(eventsOf(told, 'onStepStart')).toMatchObject([
    { stepNumber: 0, steps: [] },
    { stepNumber: 1, steps: [{ toolResults: [{ output: 'page 1' }] }] },
  ]);
  expect(eventsOf(told, 'onLanguageModelCallEnd')).toMatchObject([
    { finishReason: 'tool-calls', usage: { inputTokens: 10, outputTokens: 5 } },
    { finishReason: 'stop', content: [{ type: 'text', text: 'It says so.' }] },
  ]);
  const toolCall = { toolName: 'look', input: { page: 1 } };
  expect(eventsOf(told, 'onToolExecutionStart')).toMatchObject([{ toolCall }]);
  expect(eventsOf(told, 'onToolExecutionEnd')).toMatchObject([
    { toolCall, toolOutput: { type: 'tool-result', output: 'page 1' }, toolExecutionMs: expect.any(Number) },
  ]);
  expect(eventsOf(told, 'onStepEnd')).toMatchObject([
    { stepNumber: 0, toolCalls: [toolCall], toolResults: [{ output: 'page 1' }] },
    { stepNumber: 1, text: 'It says so.', finishReason: 'stop' },
  ]);
  expect(eventsOf(told, 'onEnd')).toMatchObject([
    {
      text: 'It says so.',
      steps: [{}, {}],
      toolCalls: [toolCall],
      totalUsage: { inputTokens: 20, outputTokens: 10, totalTokens: 30 },
    },
  ]);
});

test('a tool that fails is told as an error; `onEnd` has the value of an answer with a form', async () => {
  const failing = tool({
    inputSchema: z.object({ page: z.number() }),
    execute: (): Promise<string> => Promise.reject(new Error('The page is torn.')),
  });
  const { told, options } = watching({ tools: { look: failing }, output: Output.json() });
  await runAgent(options, (call) => (resultsIn(call).length > 0 ? '[1]' : [['look', { page: 1 }]]));
  expect(eventsOf(told, 'onToolExecutionEnd')).toMatchObject([
    { toolOutput: { type: 'tool-error', error: 'The page is torn.' } },
  ]);
  expect(eventsOf(told, 'onEnd')).toMatchObject([{ output: [1] }]);
});

test('a turn that fails is told by `onError`, and its model call by `onStepError`; nothing ends', async () => {
  const { told, options } = watching();
  const { end } = await runAgent(options, () => {
    throw new Error('no model');
  });
  expect(end).toMatchObject({ type: 'error' });
  expect(eventsOf(told, 'onStepError').length).toBeGreaterThan(0);
  expect(eventsOf(told, 'onStepError')[0]).toMatchObject({
    stepNumber: 0,
    error: { code: 'PROVIDER_ERROR' },
  });
  expect(eventsOf(told, 'onError')).toMatchObject([{ error: { code: 'PROVIDER_ERROR' } }]);
  expect(eventsOf(told, 'onStart')).toHaveLength(1);
  expect(eventsOf(told, 'onEnd')).toEqual([]);
});

test('a turn that is stopped is told by `onAbort`, with the steps that are finished', async () => {
  let turn: TurnInMemory | undefined;
  const stopping = {
    ...look,
    tool: tool({
      inputSchema: z.object({ page: z.number() }),
      execute: async () => {
        await turn?.abort();
        return 'page';
      },
    }),
  };
  const { told, options } = watching({ tools: { look: stopping } });
  const { end } = await runAgent(options, looking, {
    began: (began) => {
      turn = began;
    },
  });
  expect(end).toMatchObject({ type: 'aborted' });
  expect(eventsOf(told, 'onAbort')).toMatchObject([
    { steps: [{ toolResults: [{ output: 'page' }] }], reason: 'ann' },
  ]);
  expect(eventsOf(told, 'onEnd')).toEqual([]);
});

test('the SDK’s earlier names are called where the later ones are not given', async () => {
  const { told, options } = watching({}, ['onStepFinish', 'onFinish']);
  await runAgent(options, looking);
  expect(namesOf(told)).toEqual(['onStepFinish', 'onStepFinish', 'onFinish']);
});

test.each(CALLBACKS)('a turn whose %s throws says the same, and the log names the callback', async (name) => {
  const throwing = {
    tools: { look },
    [name]: () => {
      throw new TypeError('what the user said');
    },
  } as AgentOptions;
  const fails = name === 'onError' || name === 'onStepError';
  const { said, logged, end } = await runAgent(
    throwing,
    fails ? () => Promise.reject(new Error('no')) : looking,
  );
  expect(end?.type).toBe(fails ? 'error' : 'done');
  expect(said).toHaveLength(fails ? 0 : 3);
  // Nobody stops this turn.
  if (name === 'onAbort') return;
  expect(logged).toContainEqual({
    message: 'a callback of the agent failed',
    fields: { callback: name, error: 'TypeError' },
  });
  expect(JSON.stringify(logged)).not.toContain('what the user said');
});

test('a callback that hangs does not stop the turn, nor the callbacks after it, and the log names it', async () => {
  const clock: Clock = {
    ...systemClock,
    // The ten seconds are over at once.
    sleep: async (ms, signal) => (ms === CALLBACK_MS ? undefined : systemClock.sleep(ms, signal)),
  };
  const { told, options } = watching({}, ['onEnd']);
  const { said, logged } = await runAgent(
    { ...options, onStepEnd: () => new Promise<void>(() => {}) },
    looking,
    {
      clock,
    },
  );
  expect(said.at(-1)).toBe('It says so.');
  expect(namesOf(told)).toEqual(['onEnd']);
  expect(logged).toContainEqual({
    message: 'a callback of the agent failed',
    fields: { callback: 'onStepEnd', error: 'not done within 10 s' },
  });
});

test('P8 after the death of a worker at any write, ends are told at most once, and starts at least once', async () => {
  const { told: all, options } = watching();
  const counts: Record<string, number>[] = [];
  await runWithDeaths(options, looking, () => {
    const told = all.splice(0);
    counts.push(Object.fromEntries(CALLBACKS.map((name) => [name, eventsOf(told, name).length])));
  });
  expect(counts.length).toBeGreaterThan(5);
  for (const count of counts) {
    expect(count.onStart).toBeGreaterThanOrEqual(1);
    expect(count.onStepStart).toBeGreaterThanOrEqual(2);
    expect(count.onToolExecutionStart).toBeGreaterThanOrEqual(1);
    expect(count.onStepEnd).toBeLessThanOrEqual(2);
    expect(count.onEnd).toBeLessThanOrEqual(1);
  }
  expect(counts.some(({ onEnd }) => onEnd === 1)).toBe(true);
});
