import { convertArrayToReadableStream, MockLanguageModelV4 } from 'ai/test';
import { expect, it } from 'vitest';
import { milliseconds } from '../../config/units.ts';
import type { ModelRequest, StepFacts } from '../../core/model.ts';
import type { Log } from '../../core/ports.ts';
import { virtualClock } from '../../core/testing/virtual-clock.ts';
import { ends, hello, text } from '../../test/support/answering-model.ts';
import { CallbackQueue } from '../agent/callbacks.ts';
import { defineAgent } from '../agent/define-agent.ts';
import { sdkModelOf } from './sdk-model-of.ts';

const step: StepFacts = {
  text: 'One.',
  calls: [],
  results: [],
  finish: 'stop',
  usage: { inputTokens: 1, outputTokens: 1 },
  model: 'house:m',
};

it('callbacks about model calls: a turn begins once, whatever is repeated, and the next one begins too', async () => {
  const told: unknown[] = [];
  const tell = (name: string) => (event: Record<string, unknown>) => {
    const { callId, stepNumber, steps, error } = event;
    told.push([
      name,
      callId,
      stepNumber,
      Array.isArray(steps) ? steps.map((one) => one.callId) : undefined,
      error,
    ]);
  };
  const callbacks = {
    onStart: tell('onStart'),
    onStepStart: tell('onStepStart'),
    onStepError: tell('onStepError'),
    onLanguageModelCallStart: tell('call'),
    onLanguageModelCallEnd: tell('end'),
  };
  let calls = 0;
  const languageModel = new MockLanguageModelV4({
    doStream: async () => {
      if (++calls === 1) throw new TypeError('The network is down.');
      return {
        stream: convertArrayToReadableStream([
          { type: 'stream-start', warnings: [] },
          ...text('Hi'),
          ends('stop', 'stop'),
        ]),
      };
    },
  });
  const queue = new CallbackQueue(callbacks as never, { clock: virtualClock(), log: {} as Log });
  const model = await sdkModelOf(languageModel, { provider: 'house', name: 'm' }, defineAgent({}), {
    callbacks: queue,
  });
  const asked: Partial<ModelRequest>[] = [
    { turnId: 't1' },
    { turnId: 't1' },
    { turnId: 't1', steps: [step] },
    { turnId: 't2' },
  ];
  for (const request of asked)
    for await (const _ of model.stream({ ...hello, ...request }, new AbortController().signal));
  await queue.settled(milliseconds(1000));
  const whole = (turn: string, n: number, steps: string[]) => [
    ['onStepStart', turn, n, steps, undefined],
    ['call', turn, undefined, undefined, undefined],
    ['end', turn, undefined, undefined, undefined],
  ];
  expect(told).toEqual([
    ['onStart', 't1', undefined, undefined, undefined],
    ['onStepStart', 't1', 0, [], undefined],
    ['call', 't1', undefined, undefined, undefined],
    [
      'onStepError',
      't1',
      0,
      [],
      expect.objectContaining({ code: 'PROVIDER_ERROR', message: expect.any(String), retryable: false }),
    ],
    ...whole('t1', 0, []),
    ...whole('t1', 1, ['t1']),
    ['onStart', 't2', undefined, undefined, undefined],
    ...whole('t2', 0, []),
  ]);
});
