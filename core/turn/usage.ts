import type { Core } from '../core.ts';
import { type Model, type ModelPart, modelId, type Price, type Usage } from '../model.ts';
import type { ModelShare, TurnUsage } from '../store/usage-items.ts';

/** What the model calls of a turn have used, and what it costs. */

type Finish = Extract<ModelPart, { type: 'finish' }>;

/** Tokens that a price is for. */
const MILLION = 1_000_000;
/** Decimals of an amount. */
const DECIMALS = 9;

const rounded = (amount: number): number => Number(amount.toFixed(DECIMALS));

/** Of two counts, if anybody has told one of them. */
const sum = (one: number | undefined, other: number | undefined): number | undefined =>
  one === undefined && other === undefined ? undefined : (one ?? 0) + (other ?? 0);

function combined(one: Usage, other: Usage): Usage {
  const cacheReadTokens = sum(one.cacheReadTokens, other.cacheReadTokens);
  const cacheWriteTokens = sum(one.cacheWriteTokens, other.cacheWriteTokens);
  const reasoningTokens = sum(one.reasoningTokens, other.reasoningTokens);
  return {
    inputTokens: one.inputTokens + other.inputTokens,
    outputTokens: one.outputTokens + other.outputTokens,
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

type Named = Pick<Model, 'provider' | 'name' | 'price'>;

/** Who makes a call. `own` is the agent's model, which a turn calls unless another one is named: of its calls no name is stored. */
export interface Caller {
  model: Named;
  own: Named;
}

/** The usage of a turn after another call. Its cost is known if each of its calls has a price. */
export function advanced(
  before: TurnUsage,
  caller: Caller,
  { reason, usage, cached }: Finish,
  answered: boolean,
): TurnUsage {
  const { model } = caller;
  const cost = costAfter(before, usage, model);
  return {
    ...combined(before, usage),
    steps: before.steps + 1,
    lastInputTokens: usage.inputTokens,
    ...cost,
    ...(cost.cost !== undefined && model.price && { currency: model.price.currency }),
    ...byModel(before, caller, usage),
    answered,
    ...(answered && { finish: reason }),
    ...(cached && { cached }),
    ...(before.spend && { spend: before.spend }),
    ...(before.hooked !== undefined && { hooked: before.hooked }),
  };
}

/** The usage of a turn after a call that was cut. Nobody has told what it used. */
export function withCut(before: TurnUsage, caller: Caller): TurnUsage {
  const { model: _, ...rest } = before;
  return { ...rest, ...byModel(before, caller), steps: before.steps + 1 };
}

/**
 * The usage of a turn after a call of a subagent. It is no step of the turn: limits of steps, and how full the context is, stay as they
 * were.
 */
export function withSubagents(before: TurnUsage, { model, own }: Caller, usage: Usage): TurnUsage {
  const { cost: _, currency, ...rest } = before;
  const cost = costAfter(before, usage, model);
  const isOfModel = (share: ModelShare) => modelId(share) === modelId(model);
  const shares = sharesOf(before, own);
  const share = withCall(shares.find(isOfModel), model, usage);
  return {
    ...rest,
    ...combined(before, usage),
    ...cost,
    ...(cost.cost !== undefined && currency !== undefined && { currency }),
    // The share of the turn's last call stays the last one.
    models: shares.some(isOfModel)
      ? shares.map((other) => (isOfModel(other) ? share : other))
      : [share, ...shares],
  };
}

/** What calls cost with one more, if each of them has a price. */
function costAfter(
  { steps, cost }: { steps: number; cost?: number },
  usage: Usage,
  { price }: Named,
): { cost?: number } {
  const isPriced = price !== undefined && (cost !== undefined || steps === 0);
  return isPriced ? { cost: rounded((cost ?? 0) + costOf(usage, price)) } : {};
}

/** Who makes this call, and what each model used with it, if several have made calls. */
function byModel(
  before: TurnUsage,
  { model, own }: Caller,
  usage?: Usage,
): Pick<TurnUsage, 'model' | 'models'> {
  const { provider, name } = model;
  const named = modelId(model) === modelId(own) ? {} : { model: { provider, name } };
  const isOfModel = (share: ModelShare) => modelId(share) === modelId(model);
  const shares = sharesOf(before, own);
  const others = shares.filter((share) => !isOfModel(share));
  // One share alone is kept where it has calls that are no steps of the turn.
  if (others.length === 0 && !before.models) return named;
  return { ...named, models: [...others, withCall(shares.find(isOfModel), model, usage)] };
}

/** @param usage of the call. Undefined: nobody has told it */
function withCall(share: ModelShare | undefined, model: Named, usage: Usage | undefined): ModelShare {
  const { provider, name } = model;
  const earlier: ModelShare = share ?? { provider, name, ...NO_TOKENS, steps: 0 };
  const cost = usage ? costAfter(earlier, usage, model) : costIn(earlier);
  return { provider, name, ...combined(earlier, usage ?? NO_TOKENS), steps: earlier.steps + 1, ...cost };
}

/** What each model has used. */
function sharesOf(usage: TurnUsage, own: Named): readonly ModelShare[] {
  const { models, steps } = usage;
  if (models || steps === 0) return models ?? [];
  const { provider, name } = usage.model ?? own;
  return [{ provider, name, ...combined(usage, NO_TOKENS), steps, ...costIn(usage) }];
}

const costIn = ({ cost }: { cost?: number }) => (cost === undefined ? {} : { cost });

/** Counts and logs a call. */
export function measureCall(
  { metrics, log }: Core,
  turnId: string,
  agent: string | undefined,
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
    agent,
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

/** The usage of a turn as fields of `done`: the whole, and by model if several have made calls. */
export function usageFields(usage: TurnUsage, own: Named) {
  const { cost, currency } = usage;
  const shares = sharesOf(usage, own);
  return {
    ...fieldsOf(usage, cost),
    last_input_tokens: usage.lastInputTokens,
    ...(cost !== undefined && currency !== undefined && { currency }),
    ...(shares.length > 1 && {
      by_model: shares.map(({ provider, name, steps, cost: own, ...tokens }) => ({
        provider,
        model: name,
        steps,
        ...fieldsOf(tokens, own),
      })),
    }),
  };
}
