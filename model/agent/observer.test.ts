import { describe, expect, it } from 'vitest';
import { milliseconds } from '../../config/units.ts';
import type { StepFacts, TurnNews } from '../../core/model.ts';
import type { Log } from '../../core/ports.ts';
import { virtualClock } from '../../core/testing/virtual-clock.ts';
import { CALLBACKS, CallbackQueue, type Callbacks } from './callbacks.ts';
import { observerOf } from './observer.ts';

const toolsContext = { look: { limit: 3 } };
const HOUR = milliseconds(3_600_000);

/** What an agent with all callbacks is told of this news. */
async function toldOf(...all: readonly object[]) {
  const told: [string, Record<string, unknown>][] = [];
  const callbacks = Object.fromEntries(
    CALLBACKS.map((name) => [name, (event: Record<string, unknown>) => void told.push([name, event])]),
  );
  const log = { error: (...line: unknown[]) => expect(line).toEqual([]) } as unknown as Log;
  const queue = new CallbackQueue(callbacks as Callbacks, { clock: virtualClock(), log });
  const observer = observerOf({ toolsContext }, queue);
  for (const news of all) observer?.tell({ turnId: 't1', ...news } as TurnNews);
  await observer?.settled(HOUR);
  return told;
}

const step = (n: number): StepFacts => ({
  text: `Text ${n}.`,
  calls: [{ id: `c${n}`, name: 'look', args: { n } }],
  results: [{ id: `c${n}`, output: `seen ${n}`, isError: false }],
  finish: 'stop',
  usage: { inputTokens: 10 * n, outputTokens: n },
  model: 'house:m',
});
const call = { id: 'c1', name: 'look', args: { n: 1 } };
const named = { toolCallId: 'c1', toolName: 'look', input: { n: 1 }, dynamic: true };

describe('an agent with callbacks', () => {
  it('is told of the last step, under the id of the turn', async () => {
    const told = await toldOf(
      { type: 'step_ended', steps: [step(1), step(2)] },
      { type: 'step_ended', steps: [] },
    );
    expect(told).toMatchObject([
      ['onStepEnd', { callId: 't1', stepNumber: 1, text: 'Text 2.', usage: { inputTokens: 20 } }],
    ]);
  });

  it('is told of each call, with the context of its tool, and of what came of it', async () => {
    const common = {
      callId: 't1',
      messages: [],
      toolCall: { type: 'tool-call', ...named },
      toolContext: { limit: 3 },
    };
    const ended = (outcome: object) => ({ type: 'tool_ended' as const, call, outcome, ms: 25 });
    expect(
      await toldOf(
        { type: 'tool_started', call },
        ended({ output: 'seen', isError: false }),
        ended({ output: 'It is dark.', isError: true }),
        { type: 'tool_started', call: { ...call, name: 'constructor' } },
      ),
    ).toEqual([
      ['onToolExecutionStart', common],
      [
        'onToolExecutionEnd',
        { ...common, toolExecutionMs: 25, toolOutput: { type: 'tool-result', ...named, output: 'seen' } },
      ],
      [
        'onToolExecutionEnd',
        {
          ...common,
          toolExecutionMs: 25,
          toolOutput: { type: 'tool-error', ...named, error: 'It is dark.' },
        },
      ],
      [
        'onToolExecutionStart',
        { ...common, toolCall: { ...common.toolCall, toolName: 'constructor' }, toolContext: undefined },
      ],
    ]);
  });

  it('is told of a turn’s end with what all steps said and did, and what the turn used', async () => {
    const steps = [step(1), { ...step(2), calls: [], results: [] }, step(3)];
    const usage = { inputTokens: 100, outputTokens: 7 };
    const [[name, event] = ['', {}]] = await toldOf({ type: 'done', steps, usage, output: [1] });
    const calls = [{ toolCallId: 'c1' }, { toolCallId: 'c3' }];
    const results = [{ output: 'seen 1' }, { output: 'seen 3' }];
    const content = ['text', 'tool-call', 'tool-result', 'text', 'text', 'tool-call', 'tool-result'];
    expect(name).toBe('onEnd');
    expect(event).toMatchObject({
      callId: 't1',
      stepNumber: 2,
      text: 'Text 3.',
      content: content.map((type) => ({ type })),
      toolCalls: calls,
      dynamicToolCalls: calls,
      toolResults: results,
      dynamicToolResults: results,
      usage: { inputTokens: 100, outputTokens: 7, totalTokens: 107 },
      totalUsage: { inputTokens: 100, totalTokens: 107 },
      responseMessages: [],
      steps: [1, 2, 3].map((n) => ({ callId: 't1', stepNumber: n - 1, usage: { inputTokens: 10 * n } })),
      finalStep: { stepNumber: 2, toolCalls: [{ toolCallId: 'c3' }], usage: { inputTokens: 30 } },
      output: [1],
    });
  });

  it('is told of no value where there is none, and of no end whose steps nobody knows', async () => {
    const usage = { inputTokens: 1, outputTokens: 1 };
    const [[, event] = ['', {}]] = await toldOf({ type: 'done', steps: [step(1)], usage });
    expect(event).not.toHaveProperty('output');
    const [[, none] = ['', {}]] = await toldOf({ type: 'done', steps: [step(1)], usage, output: null });
    expect(none).toMatchObject({ output: null });
    expect(await toldOf({ type: 'done', steps: [], usage })).toEqual([]);
  });

  it('is told who stopped a turn, and why one failed', async () => {
    const failed = { type: 'failed' as const, code: 'AGENT_ERROR', message: 'It failed.', retryable: true };
    const [aborted, error] = await toldOf({ type: 'aborted', steps: [step(1)], by: 'ann' }, failed);
    expect(aborted).toMatchObject([
      'onAbort',
      { callId: 't1', reason: 'ann', steps: [{ callId: 't1', text: 'Text 1.' }] },
    ]);
    expect(error?.[0]).toBe('onError');
    expect(error?.[1].error).toBeInstanceOf(Error);
    expect(error?.[1].error).toMatchObject({
      name: 'TurnError',
      code: 'AGENT_ERROR',
      message: 'It failed.',
      retryable: true,
    });
  });
});

it('an agent without callbacks is told nothing', () => {
  const queue = new CallbackQueue({}, { clock: virtualClock(), log: {} as Log });
  expect(observerOf({}, queue)).toBeUndefined();
});
