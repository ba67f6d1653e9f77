import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Model, Price, Usage } from '../model.ts';
import type { TurnUsage } from '../store/usage-items.ts';
import { memoryCore } from '../testing/memory-core.ts';
import { advanced, costOf, measureCall, usageFields, withCut, withSubagents } from './usage.ts';

const NOTHING: TurnUsage = { steps: 0, inputTokens: 0, outputTokens: 0, lastInputTokens: 0, answered: false };
const price: Price = { currency: 'USD', input: 3, output: 15, cacheRead: 0.3, cacheWrite: 3.75 };

const model = (name: string, own?: Price): Model => ({
  provider: 'p',
  name,
  ...(own && { price: own }),
  async *stream() {},
});

/** The agent's own model. */
const own = model('first');

const called = (before: TurnUsage, usage: Usage, by: Model): TurnUsage =>
  advanced(before, { model: by, own }, { type: 'finish', reason: 'stop', usage }, false);

describe('the cost of a call', () => {
  it.each<[string, Usage, Partial<Price>, number]>([
    ['fresh input and output', { inputTokens: 1_000_000, outputTokens: 100_000 }, {}, 4.5],
    [
      'input from and to the cache at their own prices',
      { inputTokens: 1_000_000, outputTokens: 0, cacheReadTokens: 800_000, cacheWriteTokens: 100_000 },
      {},
      0.3 + 0.24 + 0.375,
    ],
    ['one token', { inputTokens: 1, outputTokens: 0 }, {}, 0.000003],
    ['what is free', { inputTokens: 5, outputTokens: 5 }, { input: 0, output: 0 }, 0],
  ])('is that of %s', (_what, usage, other, expected) => {
    expect(costOf(usage, { ...price, ...other })).toBeCloseTo(expected, 9);
  });

  it('takes the price of other input for the cache, where the team gives none', () => {
    const usage = { inputTokens: 10, outputTokens: 0, cacheReadTokens: 4, cacheWriteTokens: 3 };
    expect(costOf(usage, { currency: 'USD', input: 1, output: 1 })).toBe(0.00001);
  });
});

const count = fc.nat({ max: 1_000_000 });
const usage: fc.Arbitrary<Usage> = fc.record(
  {
    inputTokens: count,
    outputTokens: count,
    cacheReadTokens: count,
    cacheWriteTokens: count,
    reasoningTokens: count,
  },
  { requiredKeys: ['inputTokens', 'outputTokens'] },
);

describe('the usage of a turn', () => {
  it('is the sum of its calls; what nobody tells of is not there, and no cost where a call has no price', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(usage, fc.boolean()), { minLength: 1, maxLength: 6 }), (calls) => {
        const whole = calls.reduce(
          (before, [one, isPriced]) => called(before, one, model('m', isPriced ? price : undefined)),
          NOTHING,
        );
        const fields = usageFields(whole, own);
        for (const [field, key] of [
          ['input_tokens', 'inputTokens'],
          ['output_tokens', 'outputTokens'],
          ['cache_read_tokens', 'cacheReadTokens'],
          ['cache_write_tokens', 'cacheWriteTokens'],
          ['reasoning_tokens', 'reasoningTokens'],
        ] as const) {
          const told = calls.flatMap(([one]) => one[key] ?? []);
          const sum = told.length > 0 ? told.reduce((a, b) => a + b) : undefined;
          expect(fields[field]).toBe(sum);
        }
        const isKnown = calls.every(([, isPriced]) => isPriced);
        const cost = calls.reduce((sum, [one]) => sum + costOf(one, price), 0);
        if (isKnown) expect(fields.cost).toBeCloseTo(cost, 6);
        else expect(fields.cost).toBeUndefined();
        expect(fields.currency).toBe(isKnown ? 'USD' : undefined);
        expect(fields.by_model).toBeUndefined();
        expect(fields.last_input_tokens).toBe(calls.at(-1)?.[0].inputTokens);
      }),
    );
  });

  it('is told by model where a second one continues, and its parts are the whole', () => {
    const first = model('first', price);
    const second = model('second', { ...price, input: 30 });
    let turn = called(NOTHING, { inputTokens: 100, outputTokens: 10, cacheReadTokens: 60 }, first);
    turn = called(turn, { inputTokens: 200, outputTokens: 20, reasoningTokens: 5 }, second);
    expect(usageFields(turn, own)).toMatchObject({
      input_tokens: 300,
      output_tokens: 30,
      cache_read_tokens: 60,
      reasoning_tokens: 5,
      by_model: [
        {
          provider: 'p',
          model: 'first',
          steps: 1,
          input_tokens: 100,
          output_tokens: 10,
          cache_read_tokens: 60,
        },
        {
          provider: 'p',
          model: 'second',
          steps: 1,
          input_tokens: 200,
          output_tokens: 20,
          reasoning_tokens: 5,
        },
      ],
    });
    const { cost, by_model } = usageFields(turn, own);
    expect(by_model?.reduce((sum, part) => sum + (part.cost ?? Number.NaN), 0)).toBeCloseTo(
      cost ?? Number.NaN,
      9,
    );
  });

  it('is told by model with the cost of the one that has a price', () => {
    const first = model('first', price);
    const second = model('second');
    const begun = called(NOTHING, { inputTokens: 100, outputTokens: 10 }, first);
    const fields = usageFields(called(begun, { inputTokens: 1, outputTokens: 1 }, second), own);
    expect(fields.cost).toBeUndefined();
    expect(fields.by_model?.map(({ cost }) => cost)).toEqual([0.00045, undefined]);
  });

  it('names no model for calls of the agent’s own, which each turn would store', () => {
    expect(called(NOTHING, { inputTokens: 1, outputTokens: 1 }, own).model).toBeUndefined();
  });

  it('has a call that was cut among those of its model', () => {
    const turn = called(
      withCut(NOTHING, { model: own, own }),
      { inputTokens: 1, outputTokens: 1 },
      model('second'),
    );
    expect(usageFields(turn, own).by_model).toMatchObject([
      { model: 'first', steps: 1, input_tokens: 0 },
      { model: 'second', steps: 1, input_tokens: 1 },
    ]);
  });

  it('is told by model however often they take turns, and the parts are the whole', () => {
    const names = ['first', 'b', 'c'];
    const call = fc.tuple(fc.constantFrom(...names), usage, fc.boolean());
    const priced = (name: string) => model(name, name === 'c' ? undefined : price);
    fc.assert(
      fc.property(fc.array(call, { minLength: 1, maxLength: 8 }), (calls) => {
        const whole = calls.reduce(
          (before, [name, one, isCut]) =>
            isCut ? withCut(before, { model: priced(name), own }) : called(before, one, priced(name)),
          NOTHING,
        );
        const last = calls.at(-1)?.[0] ?? 'first';
        expect(whole.model ?? { provider: 'p', name: 'first' }).toEqual({ provider: 'p', name: last });
        const asked = new Set(calls.map(([name]) => name));
        const { by_model, steps: _, ...fields } = { steps: 0, ...usageFields(whole, own) };
        if (asked.size === 1) {
          expect(by_model).toBeUndefined();
          return;
        }
        expect(new Set(by_model?.map((part) => part.model))).toEqual(asked);
        expect(by_model?.at(-1)?.model).toBe(last);
        for (const name of asked) {
          const ofIt = calls.filter((one) => one[0] === name);
          const part = by_model?.find((one) => one.model === name);
          expect(part?.steps).toBe(ofIt.length);
          expect(part?.input_tokens).toBe(
            ofIt.reduce((sum, [, { inputTokens }, isCut]) => sum + (isCut ? 0 : inputTokens), 0),
          );
        }
        const sum = by_model?.reduce((total, part) => total + part.input_tokens, 0);
        expect(fields.input_tokens).toBe(sum);
      }),
    );
  });
});

describe('the usage of a turn with calls that its tools make', () => {
  const first = model('first', price);
  const USED = { inputTokens: 100, outputTokens: 10 };
  /** After one call of the agent's own model. */
  const begun = { ...called(NOTHING, USED, first), currency: 'USD' };
  const with_ = (before: TurnUsage, by: Model, usage: Usage = USED) =>
    withSubagents(before, { model: by, own }, usage);
  const sharesIn = (usage: TurnUsage) =>
    usageFields(usage, own).by_model?.map(({ model, steps, input_tokens }) => [model, steps, input_tokens]);

  it('has their tokens and their cost, and is as far as it was: they are no steps', () => {
    const usage = { inputTokens: 7, outputTokens: 3, cacheReadTokens: 2, reasoningTokens: 1 };
    const after = with_({ ...begun, hooked: 1, spend: { n: 1 } }, model('second', price), usage);
    expect(after).toMatchObject({
      ...begun,
      inputTokens: 107,
      outputTokens: 13,
      cacheReadTokens: 2,
      reasoningTokens: 1,
      lastInputTokens: 100,
      steps: 1,
      hooked: 1,
      spend: { n: 1 },
      cost: expect.closeTo(costOf(USED, price) + costOf(usage, price), 9),
    });
    expect(after.model).toBeUndefined();
    expect(usageFields(after, own)).toMatchObject({ last_input_tokens: 100, currency: 'USD' });
  });

  it('has no cost and no currency where one of them has no price, and its parts have theirs', () => {
    const after = with_(begun, model('second'));
    expect(after).not.toHaveProperty('cost');
    expect(after).not.toHaveProperty('currency');
    // It is not known later either.
    const later = called(after, USED, first);
    expect(later).not.toHaveProperty('cost');
    expect(usageFields(later, own).by_model).toMatchObject([
      { model: 'second', input_tokens: 100 },
      { model: 'first', cost: 2 * costOf(USED, price) },
    ]);
    expect(usageFields(later, own).by_model?.[0]).not.toHaveProperty('cost');
  });

  it('has the share of the turn’s last call as the last one, and that of each model once', () => {
    const second = model('second', price);
    const once = with_(begun, second);
    expect(sharesIn(once)).toEqual([
      ['second', 1, 100],
      ['first', 1, 100],
    ]);
    const third = with_(with_(with_(once, second), model('third', price)), second);
    expect(sharesIn(third)).toEqual([
      ['third', 1, 100],
      ['second', 3, 300],
      ['first', 1, 100],
    ]);
    expect(sharesIn(with_(third, first))?.at(-1)).toEqual(['first', 2, 200]);
    expect(usageFields(third, own).input_tokens).toBe(500);
  });

  it('has calls of the agent’s own model in its share, also when another model goes on', () => {
    const after = with_(begun, first);
    expect(after).toMatchObject({ steps: 1, cost: 2 * costOf(USED, price) });
    expect(sharesIn(after)).toBeUndefined();
    const again = called(after, USED, first);
    expect(again.steps).toBe(2);
    expect(sharesIn(called(again, USED, model('second', price)))).toEqual([
      ['first', 3, 300],
      ['second', 1, 100],
    ]);
  });
});

it('what is stored beside the sums goes on with the next call, but for what is of one call alone', () => {
  const usage = { inputTokens: 5, outputTokens: 1 };
  const before: TurnUsage = { ...called(NOTHING, usage, own), spend: { n: 2 }, hooked: 1, cached: true };
  const finish = { type: 'finish', reason: 'length', usage } as const;
  const next = advanced(before, { model: own, own }, finish, true);
  expect(next).toMatchObject({ spend: { n: 2 }, hooked: 1, answered: true, finish: 'length', steps: 2 });
  expect(next).not.toHaveProperty('cached');
  const open = advanced(next, { model: own, own }, { ...finish, cached: true }, false);
  expect(open).toMatchObject({ answered: false, cached: true });
  expect(open).not.toHaveProperty('finish');
  const cut = withCut({ ...next, cost: 1, currency: 'USD', marks: [] }, { model: own, own });
  expect(cut).toEqual({ ...next, cost: 1, currency: 'USD', marks: [], steps: 3 });
});

describe('a finished call', () => {
  const measured = (usage: Usage, more: { cached?: true; own?: Price } = {}) => {
    const counted: string[] = [];
    const logged: unknown[] = [];
    const core = memoryCore();
    measureCall(
      {
        ...core,
        metrics: {
          ...core.metrics,
          count: (metric) => void counted.push(metric),
          countBy: (metric, part, value) => void counted.push(`${metric} ${part} ${value}`),
        },
        log: { ...core.log, info: (text, fields) => void logged.push({ text, ...fields }) },
      },
      'turn-1',
      'guide',
      model('m', more.own),
      { type: 'finish', reason: 'stop', usage, ...(more.cached && { cached: true }) },
    );
    return { counted, logged };
  };
  const all = {
    inputTokens: 6,
    outputTokens: 5,
    cacheReadTokens: 4,
    cacheWriteTokens: 3,
    reasoningTokens: 2,
  };

  it('is counted by its model, with each kind of token and its cost, and logged', () => {
    const cost = costOf(all, price);
    const { counted, logged } = measured(all, { own: price });
    expect(counted).toEqual([
      'Steps',
      'InputTokens p:m 6',
      'OutputTokens p:m 5',
      'CacheReadTokens p:m 4',
      'CacheWriteTokens p:m 3',
      'ReasoningTokens p:m 2',
      `Cost p:m ${cost}`,
    ]);
    expect(logged).toEqual([
      {
        text: 'model call',
        turn: 'turn-1',
        agent: 'guide',
        model: 'p:m',
        finish: 'stop',
        ...all,
        cost,
        currency: 'USD',
      },
    ]);
  });

  it('has no metric for what is nothing, and one from the cache is a hit alone', () => {
    const { counted, logged } = measured({ inputTokens: 1, outputTokens: 0, cacheReadTokens: 0 });
    expect(counted).toEqual(['Steps', 'InputTokens p:m 1']);
    expect(logged[0]).not.toHaveProperty('currency');
    expect(measured(all, { cached: true, own: price })).toEqual({ counted: ['CacheHits'], logged: [] });
  });
});
