import type { Core } from '../core.ts';
import type { Model, ModelPart, Price, Usage } from '../model.ts';
import type { TurnUsage } from '../store/items.ts';

/** What the model calls of a turn have used, and what it costs. */

type Finish = Extract<ModelPart, { type: 'finish' }>;

/** Tokens that a price is for. */
const MILLION = 1_000_000;
/** Decimals of an amount. */
const DECIMALS = 9;

const rounded = (amount: number): number => Number(amount.toFixed(DECIMALS));

/** Of two counts, if anybody has told one of them. */
const told = (one: number | undefined, other: number | undefined, sign: 1 | -1): number | undefined =>
  one === undefined && other === undefined ? undefined : (one ?? 0) + sign * (other ?? 0);

/** Both together, or the first without the second. */
function combined(one: Usage, other: Usage, sign: 1 | -1): Usage {
  const cacheReadTokens = told(one.cacheReadTokens, other.cacheReadTokens, sign);
  const cacheWriteTokens = told(one.cacheWriteTokens, other.cacheWriteTokens, sign);
  const reasoningTokens = told(one.reasoningTokens, other.reasoningTokens, sign);
  return {
    inputTokens: one.inputTokens + sign * other.inputTokens,
    outputTokens: one.outputTokens + sign * other.outputTokens,
    ...(cacheReadTokens !== undefined && { cacheReadTokens }),
    ...(cacheWriteTokens !== undefined && { cacheWriteTokens }),
    ...(reasoningTokens !== undefined && { reasoningTokens }),
  };
}

const NO_TOKENS: Usage = { inputTokens: 0, outputTokens: 0 };

/** In the currency of the price. Input that the provider's cache gave or took may have a price of its own. */
export function costOf(
  usage: Usage,
  { input, output, cacheRead = input, cacheWrite = input }: Price,
): number {
  const { inputTokens, outputTokens, cacheReadTokens = 0, cacheWriteTokens = 0 } = usage;
  const fresh = Math.max(0, inputTokens - cacheReadTokens - cacheWriteTokens);
  const amount =
    fresh * input + cacheReadTokens * cacheRead + cacheWriteTokens * cacheWrite + outputTokens * output;
  return rounded(amount / MILLION);
}

/** The usage of a turn after another call. Its cost is known if each of its calls has a price. */
export function advanced(
  before: TurnUsage,
  { price }: Pick<Model, 'price'>,
  { reason, usage, cached }: Finish,
  answered: boolean,
): TurnUsage {
  const isPriced = price !== undefined && (before.cost !== undefined || before.steps === 0);
  return {
    ...combined(before, usage, 1),
    steps: before.steps + 1,
    lastInputTokens: usage.inputTokens,
    ...(isPriced && {
      cost: rounded((before.cost ?? 0) + costOf(usage, price)),
      currency: price.currency,
    }),
    ...(before.failed && { failed: before.failed }),
    answered,
    ...(answered && { finish: reason }),
    ...(cached && { cached }),
  };
}

/** The usage of a turn that another model continues: what the failed one used is kept apart. */
export function withFailed(usage: TurnUsage, { provider, name }: Model): TurnUsage {
  if (usage.steps === 0) return usage;
  const { steps, cost } = usage;
  const tokens = combined(usage, NO_TOKENS, 1);
  return { ...usage, failed: { ...tokens, provider, name, steps, ...(cost !== undefined && { cost }) } };
}

/** Counts and logs a call. */
export function measureCall(
  { metrics, log }: Core,
  turnId: string,
  { provider, name, price }: Model,
  { reason, usage, cached }: Finish,
): void {
  if (cached) {
    metrics.count('CacheHits');
    return;
  }
  metrics.count('Steps');
  const model = `${provider}:${name}`;
  const cost = price && costOf(usage, price);
  const measured = [
    ['InputTokens', usage.inputTokens],
    ['OutputTokens', usage.outputTokens],
    ['CacheReadTokens', usage.cacheReadTokens],
    ['CacheWriteTokens', usage.cacheWriteTokens],
    ['ReasoningTokens', usage.reasoningTokens],
    ['Cost', cost],
  ] as const;
  for (const [metric, value] of measured) {
    // A metric without data is not billed.
    if (value) metrics.countBy(metric, model, value);
  }
  log.info('model call', {
    turn: turnId,
    model,
    finish: reason,
    ...usage,
    ...(price && { cost, currency: price.currency }),
  });
}

/** As fields of `done`. */
export const fieldsOf = (usage: Usage, cost: number | undefined) => ({
  input_tokens: usage.inputTokens,
  output_tokens: usage.outputTokens,
  ...(usage.cacheReadTokens !== undefined && { cache_read_tokens: usage.cacheReadTokens }),
  ...(usage.cacheWriteTokens !== undefined && { cache_write_tokens: usage.cacheWriteTokens }),
  ...(usage.reasoningTokens !== undefined && { reasoning_tokens: usage.reasoningTokens }),
  ...(cost !== undefined && { cost }),
});

/** The usage of a turn as fields of `done`: the whole, and by model if a second one has continued. */
export function usageFields(usage: TurnUsage, { provider, name }: Model) {
  const { failed, cost, currency } = usage;
  return {
    ...fieldsOf(usage, cost),
    last_input_tokens: usage.lastInputTokens,
    ...(cost !== undefined && currency !== undefined && { currency }),
    ...(failed && {
      by_model: [
        {
          provider: failed.provider,
          model: failed.name,
          steps: failed.steps,
          ...fieldsOf(failed, failed.cost),
        },
        {
          provider,
          model: name,
          steps: usage.steps - failed.steps,
          ...fieldsOf(
            combined(usage, failed, -1),
            // The whole has no cost if a call had no price.
            cost === undefined ? undefined : rounded(cost - (failed.cost ?? 0)),
          ),
        },
      ],
    }),
  };
}
