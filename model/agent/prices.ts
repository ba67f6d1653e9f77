import type { Price } from '../../core/model.ts';
import { ownValue } from '../../core/own-value.ts';

/**
 * What models cost, by their names as `done` shows them: `model`, or `provider:model`.
 *
 * @example { currency: 'USD', perMillionTokens: { 'gpt-5': { input: 1.25, cacheRead: 0.125, output: 10 } } }
 */
export interface Prices {
  /** Three capitals, as ISO 4217 has them. */
  currency: string;
  perMillionTokens: Readonly<Record<string, Omit<Price, 'currency'>>>;
}

export function complaintAboutPrices({ currency, perMillionTokens }: Prices): string | undefined {
  if (!/^[A-Z]{3}$/.test(currency))
    return `the currency is "${currency}", and must be three capitals, such as USD.`;
  for (const [model, price] of Object.entries(perMillionTokens)) {
    if (price.input === undefined || price.output === undefined) return `"${model}" needs input and output.`;
    for (const [part, amount] of Object.entries(price)) {
      if (!PARTS.has(part)) return `"${model}" has ${part}: there are ${[...PARTS].join(', ')}.`;
      if (!(Number.isFinite(amount) && amount >= 0)) {
        return `${part} of "${model}" is ${amount}, and must be a number from 0.`;
      }
    }
  }
  return undefined;
}

const PARTS: ReadonlySet<string> = new Set(['input', 'output', 'cacheRead', 'cacheWrite']);

/** The price of a model. With its provider in the key, it is that provider's alone. */
export function priceOf(
  prices: Prices | undefined,
  { provider, name }: { provider: string; name: string },
): Price | undefined {
  if (!prices) return undefined;
  const { currency, perMillionTokens } = prices;
  const price = ownValue(perMillionTokens, `${provider}:${name}`) ?? ownValue(perMillionTokens, name);
  return price && { currency, ...price };
}
