import { expect, test } from 'vitest';
import { defineAgent } from './define-agent.ts';
import { type Prices, priceOf } from './prices.ts';

const prices: Prices = {
  currency: 'USD',
  perMillionTokens: {
    'gpt-5': { input: 1.25, cacheRead: 0.125, output: 10 },
    'azure:gpt-5': { input: 2, output: 9 },
  },
};

test('a price is found by the model’s name, and first by its provider and name', () => {
  expect(priceOf(prices, { provider: 'openai', name: 'gpt-5' })).toEqual({
    currency: 'USD',
    input: 1.25,
    cacheRead: 0.125,
    output: 10,
  });
  expect(priceOf(prices, { provider: 'azure', name: 'gpt-5' })).toMatchObject({ input: 2 });
  expect(priceOf(prices, { provider: 'openai', name: 'constructor' })).toBeUndefined();
  expect(priceOf({ ...prices, currency: 'EUR' }, { provider: 'azure', name: 'gpt-5' })).toEqual({
    currency: 'EUR',
    input: 2,
    output: 9,
  });
  expect(priceOf(undefined, { provider: 'openai', name: 'gpt-5' })).toBeUndefined();
});

test.each<[string, unknown]>([
  ['a currency', { currency: '$', perMillionTokens: {} }],
  ['a price below 0', { currency: 'USD', perMillionTokens: { m: { input: -1, output: 1 } } }],
  ['a price that is no number', { currency: 'USD', perMillionTokens: { m: { input: '1', output: 1 } } }],
  ['a missing price', { currency: 'USD', perMillionTokens: { m: { input: 1 } } }],
  [
    'a part that does not exist',
    { currency: 'USD', perMillionTokens: { m: { input: 1, output: 1, cached: 1 } } },
  ],
])('the agent is refused with %s', (_what, wrong) => {
  expect(() => defineAgent({ instructions: '', tools: {}, prices: wrong as never })).toThrow(
    expect.objectContaining({ code: 'PRICES_INVALID' }),
  );
});
