import { isStepCount, Output } from 'ai';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { HookCall } from '../../core/hooks.ts';
import type { Caller, StepFacts } from '../../core/model.ts';
import { ANNS_SETUP } from '../../core/testing/call-setup.ts';
import { cases } from '../../test/support/sample.ts';
import type { BudgetFunction } from './budget.ts';
import { budgetingOf } from './budget.ts';
import { compactionAgent } from './compaction.ts';
import { type AgentHooks, hooksOf, type TurnReport } from './hooks.ts';
import { loopControlOf } from './loop-control.ts';
import { sdkFinishReason, sdkModelOfStep, sdkSteps, sdkUsage } from './sdk-steps.ts';
import { strictJson } from './strict-json.ts';
import { titleAgent } from './titles.ts';

/** What the agent's code gives and is given, where a turn asks it. */

const ANN: Pick<Caller, 'principal' | 'claims'> = ANNS_SETUP.caller;

describe('a budget', () => {
  const settings = { principal: { turns: 5, cost: 2 }, tenant: { tokens: 1000 } };
  const of = (budget: unknown, given = settings) =>
    budgetingOf({ budget: (() => budget) as BudgetFunction }, given)?.of(ANN);

  it('is what the settings say, of those that they limit, where the agent names none', async () => {
    expect(budgetingOf({}, { principal: {}, tenant: {} })).toBeUndefined();
    const some = budgetingOf({}, { principal: {}, tenant: { tokens: 1 } });
    expect(some?.holders).toEqual(['tenant']);
    expect(await some?.of(ANN)).toEqual({ principal: {}, tenant: { tokens: 1 } });
  });

  it('is what the agent says of who asks, each limit for itself: 0 allows nothing, and Infinity anything', async () => {
    const asked: unknown[] = [];
    const budget: BudgetFunction = async (who) => {
      asked.push(who);
      return { turns: 0, tokens: 0.5, tenant: { tokens: Number.POSITIVE_INFINITY, cost: 7 } };
    };
    const own = budgetingOf({ budget }, settings);
    expect(own?.holders).toEqual(['principal', 'tenant']);
    expect(await own?.of(ANN)).toEqual({
      principal: { turns: 0, tokens: 0.5, cost: 2 },
      tenant: { cost: 7 },
    });
    expect(asked).toEqual([ANN]);
    expect(await of({})).toEqual(settings);
    expect(budgetingOf({ budget }, { principal: {}, tenant: {} })?.holders).toEqual(['principal', 'tenant']);
    expect(await of({ turns: undefined, tenant: undefined })).toEqual(settings);
  });

  it.each([
    undefined,
    null,
    5,
    { turn: 1 },
    { turns: -1 },
    { turns: Number.NaN },
    { turns: '5' },
    { tenant: 5 },
    { tenant: null },
    { tenant: { tenant: {} } },
    { tenant: { cost: -0.1 } },
  ])('is a mistake of the code with %j', async (wrong) => {
    await expect(of(wrong)).rejects.toThrow(TypeError);
  });
});

describe('JSON of the agent’s code', () => {
  it('is given as it is, and nothing that JSON would change', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const plain = JSON.parse(JSON.stringify(value));
        expect(strictJson(plain)).toEqual(plain);
        for (const odd of [
          () => 1,
          Symbol('s'),
          1n,
          new Date(0),
          new Map(),
          Number.NaN,
          Number.POSITIVE_INFINITY,
          undefined,
        ]) {
          if (odd !== undefined) expect(strictJson({ a: [plain, { b: odd }] })).toBeUndefined();
          expect(strictJson([plain, odd])).toBeUndefined();
        }
        expect(strictJson({ a: plain, b: undefined })).toEqual({ a: plain });
      }),
      { numRuns: cases(100) },
    );
    expect(strictJson(Object.assign(Object.create(null), { a: 1 }))).toEqual({ a: 1 });
    expect(
      strictJson(
        new (class Point {
          x = 1;
        })(),
      ),
    ).toBeUndefined();
    expect([null, false, 0, '', []].map(strictJson)).toEqual([null, false, 0, '', []]);
    expect(strictJson(undefined)).toBeUndefined();
  });
});

const step: StepFacts = {
  text: '',
  calls: [
    { id: 'a', name: 'look', args: { at: 'sea' } },
    { id: 'b', name: 'look', args: {} },
  ],
  results: [
    { id: 'a', output: 'blue', isError: false },
    { id: 'b', output: 'no', isError: true },
    { id: 'of-another-step', output: 'x', isError: false },
  ],
  finish: 'tool_calls',
  usage: { inputTokens: 10, outputTokens: 5, cacheReadTokens: 3, cacheWriteTokens: 2, reasoningTokens: 1 },
  model: 'house:m:latest',
};

describe('a step, as the AI SDK has it', () => {
  it('has the results of its own calls that did not fail', () => {
    const call = {
      type: 'tool-call',
      toolCallId: 'a',
      toolName: 'look',
      input: { at: 'sea' },
      dynamic: true,
    };
    const result = { ...call, type: 'tool-result', output: 'blue' };
    const [first, second] = sdkSteps(
      [step, { ...step, text: 'So.', calls: [], results: [], finish: 'stop' }],
      {
        runtimeContext: { plan: 'pro' },
        toolsContext: { look: { n: 1 } },
      },
    );
    expect(first).toMatchObject({
      stepNumber: 0,
      toolCalls: [call, { toolCallId: 'b' }],
      dynamicToolCalls: { length: 2 },
      toolResults: [result],
      dynamicToolResults: [result],
      finishReason: 'tool-calls',
      rawFinishReason: 'tool_calls',
      model: { provider: 'house', modelId: 'm:latest' },
      runtimeContext: { plan: 'pro' },
      toolsContext: { look: { n: 1 } },
    });
    expect(first?.content.map(({ type }) => type)).toEqual(['tool-call', 'tool-call', 'tool-result']);
    expect(second).toMatchObject({
      stepNumber: 1,
      text: 'So.',
      content: [{ type: 'text', text: 'So.' }],
      finishReason: 'stop',
    });
    expect(sdkSteps([step])[0]).toMatchObject({ runtimeContext: {}, toolsContext: {} });
  });

  it('has the counts of its usage, each at its place', () => {
    expect(sdkUsage(step.usage)).toMatchObject({
      inputTokens: 10,
      inputTokenDetails: { cacheReadTokens: 3, cacheWriteTokens: 2 },
      outputTokens: 5,
      outputTokenDetails: { reasoningTokens: 1 },
      totalTokens: 15,
    });
  });

  it.each([
    ['stop', 'stop'],
    ['length', 'length'],
    ['content_filter', 'content-filter'],
    ['refusal', 'content-filter'],
    ['paused', 'other'],
    ['tool_calls', 'other'],
  ])('that ends with %s has the reason %s, and with calls that of calls', (finish, reason) => {
    expect(sdkFinishReason({ finish, calls: [] })).toBe(reason);
    expect(sdkFinishReason({ finish, calls: step.calls })).toBe('tool-calls');
  });

  it('names its model by what follows the first colon', () => {
    expect(sdkModelOfStep('bedrock:eu.model-v1:0')).toEqual({
      provider: 'bedrock',
      modelId: 'eu.model-v1:0',
    });
  });
});

describe('conditions of an end', () => {
  const contexts = { runtimeContext: { plan: 'pro' }, toolsContext: { look: { n: 1 } } };

  it('are asked of all steps with the contexts of the turn; one that is true is enough', async () => {
    const asked: unknown[] = [];
    const watch = (given: { steps: readonly { runtimeContext: unknown }[] }) => {
      asked.push(given.steps.map(({ runtimeContext }) => runtimeContext));
      return false;
    };
    const stopped = (stopWhen: never, steps = [step], setup = ANNS_SETUP) =>
      loopControlOf({ stopWhen, ...contexts })?.isStopped(steps, setup);
    expect(await stopped([watch, isStepCount(1)] as never)).toBe(true);
    expect(await stopped([isStepCount(2), watch] as never)).toBe(false);
    expect(await stopped((async () => true) as never)).toBe(true);
    expect(await stopped((() => undefined) as never)).toBe(false);
    expect(asked).toEqual([[contexts.runtimeContext], [contexts.runtimeContext]]);
    const left = { ...ANNS_SETUP, prepared: { left: ['stopWhen'] } };
    expect(await stopped((() => true) as never, [step], left)).toBe(false);
    expect(loopControlOf(contexts)).toBeUndefined();
    expect(await loopControlOf({ prepareStep: () => ({}) })?.isStopped([step], ANNS_SETUP)).toBe(false);
    expect(await loopControlOf({ output: Output.json() })?.isStopped([step], ANNS_SETUP)).toBe(false);
  });
});

describe('hooks', () => {
  const { signal } = new AbortController();
  const at: HookCall = { setup: ANNS_SETUP, agent: 'support', idempotencyKey: 'k', signal };
  const common = { caller: ANNS_SETUP.caller, agent: 'support', idempotencyKey: 'k', abortSignal: signal };
  const call = { id: 'c', name: 'look', args: { at: 'sea' } };
  const toolCall = { toolCallId: 'c', toolName: 'look', input: { at: 'sea' } };

  it('are none where none is given', () => {
    for (const hooks of [undefined, {}, { afterStep: undefined }] as (AgentHooks | undefined)[])
      expect(hooksOf({ ...(hooks && { hooks }) })).toBeUndefined();
    expect(Object.keys(hooksOf({ hooks: { afterStep: () => {} } }) ?? {})).toEqual(['limitMs', 'afterStep']);
  });

  it('have ten seconds, thirty after a turn, or those that they name', () => {
    const plain = hooksOf({ hooks: { afterTurn: () => {} } });
    expect([plain?.limitMs('beforeTurn'), plain?.limitMs('afterStep'), plain?.limitMs('afterTurn')]).toEqual([
      10_000, 10_000, 30_000,
    ]);
    const own = hooksOf({
      hooks: {
        beforeTurn: { run: () => undefined, timeoutSeconds: 2.5 },
        afterTurn: { run: () => {}, timeoutSeconds: 300 },
      },
    });
    expect([own?.limitMs('beforeTurn'), own?.limitMs('afterTurn')]).toEqual([2500, 300_000]);
  });

  it('are given who asks, the agent that answers, the key and the signal, as a function or as `run`', async () => {
    const given: unknown[] = [];
    const run = (event: unknown) => void given.push(event);
    for (const hook of [run, { run, timeoutSeconds: 5 }]) {
      const hooks = hooksOf({
        hooks: { beforeTurn: hook, beforeToolCall: hook, afterToolCall: hook, afterStep: hook },
      });
      await hooks?.beforeTurn?.({ messages: [], steering: true }, at);
      await hooks?.beforeToolCall?.(call, at);
      await hooks?.afterToolCall?.(call, { output: 'x', isError: true }, at);
      await hooks?.afterStep?.(step, 3, at);
    }
    const once = [
      { messages: [], steering: true, ...common },
      { toolCall, ...common },
      { toolCall, output: 'x', isError: true, ...common },
      { step: expect.objectContaining({ callId: 'turn', stepNumber: 2 }), ...common },
    ];
    expect(given).toEqual([...once, ...once]);
    const { agent: _, ...alone } = at;
    await hooksOf({ hooks: { beforeToolCall: run } })?.beforeToolCall?.(call, alone);
    expect(given.at(-1)).not.toHaveProperty('agent');
  });

  it('change what they may, and nothing where they answer nothing', async () => {
    const answering = (answer: unknown) => {
      const hook = async () => answer as never;
      return hooksOf({ hooks: { beforeTurn: hook, beforeToolCall: hook, afterToolCall: hook } });
    };
    for (const nothing of [undefined, null]) {
      expect(await answering(nothing)?.beforeTurn?.({ messages: [], steering: false }, at)).toBeUndefined();
      expect(await answering(nothing)?.beforeToolCall?.(call, at)).toBeUndefined();
      expect(
        await answering(nothing)?.afterToolCall?.(call, { output: 1, isError: false }, at),
      ).toBeUndefined();
    }
    expect(await answering({ input: { at: 'sky' } })?.beforeToolCall?.(call, at)).toEqual({
      args: { at: 'sky' },
    });
    for (const isError of [true, false])
      expect(
        await answering({ output: null })?.afterToolCall?.(call, { output: 1, isError, shown: 'x' }, at),
      ).toEqual({ output: null, isError });
    for (const [hook, refused] of [
      [
        'beforeTurn',
        (hooks: ReturnType<typeof answering>) => hooks?.beforeTurn?.({ messages: [], steering: false }, at),
      ],
      ['beforeToolCall', (hooks: ReturnType<typeof answering>) => hooks?.beforeToolCall?.(call, at)],
      [
        'afterToolCall',
        (hooks: ReturnType<typeof answering>) =>
          hooks?.afterToolCall?.(call, { output: 1, isError: false }, at),
      ],
    ] as const) {
      expect(await refused(answering({ refuse: '' }))).toEqual({ refuse: '' });
      for (const wrong of [7, 'no', {}, { refuse: 7 }, { refuse: null }])
        await expect(refused(answering(wrong)), hook).rejects.toThrow(TypeError);
    }
    await expect(answering({ input: new Date() })?.beforeToolCall?.(call, at)).rejects.toThrow('no JSON');
    await expect(
      answering({ output: () => 1 })?.afterToolCall?.(call, { output: 1, isError: false }, at),
    ).rejects.toThrow('no JSON');
  });

  it('are told of a turn’s end: what was said, without what is the provider’s own, and what it cost', async () => {
    const reports: TurnReport[] = [];
    const hooks = hooksOf({ hooks: { afterTurn: (report) => void reports.push(report) } });
    const verbatim = { model: 'p:m', parts: [{ opaque: { type: 'reasoning', text: 'Hm.' } }] };
    const turn = {
      outcome: 'done' as const,
      messages: [
        { role: 'user' as const, content: 'Hi' },
        { role: 'assistant' as const, text: 'Ho', calls: [], verbatim },
      ],
      text: 'Ho',
      steps: 1,
      usage: { input_tokens: 10, output_tokens: 5, cost: 0, currency: 'EUR' },
    };
    await hooks?.afterTurn?.(turn, at);
    await hooks?.afterTurn?.({ ...turn, usage: {} }, at);
    const messages = [
      { role: 'user', content: 'Hi' },
      { role: 'assistant', content: [{ type: 'text', text: 'Ho' }] },
    ];
    expect(reports).toEqual([
      { ...turn, messages, usage: { inputTokens: 10, outputTokens: 5, cost: 0, currency: 'EUR' }, ...common },
      { ...turn, messages, usage: { inputTokens: 0, outputTokens: 0 }, ...common },
    ]);
  });
});

describe('the agents that write summaries and titles', () => {
  it.each([
    ['compaction', compactionAgent, 4000],
    ['titles', titleAgent, 1000],
  ] as const)(
    'have their own options, and else the model and the prices of the agent: %s',
    (option, agentOf, tokens) => {
      const prices = { currency: 'EUR', perMillionTokens: {} };
      const of = (options: object | undefined) =>
        agentOf({ model: 'house/large', prices, [option]: options } as never);
      expect(of(undefined)).toBeUndefined();
      expect(of({})).toEqual({
        model: 'house/large',
        prices,
        tools: {},
        maxOutputTokens: tokens,
        instructions: expect.stringMatching(/.{50}/),
      });
      const own = { model: 'house/small', instructions: 'Be brief.', maxOutputTokens: 1 };
      expect(of(own)).toEqual({ ...own, prices, tools: {} });
      expect(agentOf({ [option]: {} })).not.toHaveProperty('model');
    },
  );
});
