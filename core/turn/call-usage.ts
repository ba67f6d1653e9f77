import { shownBytes, wordsOf } from '../content.ts';
import type { Model, ModelFailure, ModelPart, ModelRequest, Usage } from '../model.ts';
import { dayOf } from '../session/spend.ts';
import type { Owed } from '../store/usage-items.ts';
import type { TurnContext } from './context.ts';
import type { LeasedTurn } from './leased-turn.ts';
import { textsOf } from './prompt-texts.ts';
import { costOf } from './usage.ts';

/** What model calls use of budgets. It is stored with the lane's usage, and counted by `TurnBudget`. */

/** Money is counted in billionths, so that sums are exact. */
export const NANO = 1_000_000_000;
/** As for prompts while no provider has counted. */
const BYTES_PER_TOKEN = 4;

/** Failures of calls that a provider has probably billed, although nothing of them was seen. */
const BILLED: ReadonlySet<ModelFailure['reason']> = new Set(['stalled', 'cut_off', 'unreadable', 'empty']);

export const isBilled = ({ reason }: ModelFailure, visible: boolean): boolean =>
  visible || BILLED.has(reason);

/** What a finished call has used: as its provider tells it, if it does. */
export const usageIn = (
  { usage, cached }: Extract<ModelPart, { type: 'finish' }>,
  estimate: () => Usage,
): Usage => (cached || usage.inputTokens + usage.outputTokens > 0 ? usage : estimate());

/** What a model call has used, on this day. */
export const owedFor = (
  { clock }: Pick<TurnContext['core'], 'clock'>,
  usage: Usage,
  price: Model['price'],
): Owed => ({
  day: dayOf(clock.now()),
  turns: 0,
  tokens: usage.inputTokens + usage.outputTokens,
  nano: price ? Math.round(costOf(usage, price) * NANO) : 0,
});

/** Notes what a call has used, if anybody has a budget. It is durable with the next commit. */
export function owe(
  turn: LeasedTurn,
  { core, budgeting }: Pick<TurnContext, 'core' | 'budgeting'>,
  usage: Usage,
  price: Model['price'],
): void {
  if (!budgeting) return;
  const { n, owed } = turn.usage.spend ?? { n: 0 };
  const more = owedFor(core, usage, price);
  const spend = owed
    ? { n, owed: { ...owed, tokens: owed.tokens + more.tokens, nano: owed.nano + more.nano } }
    : { n: n + 1, owed: { ...more, turns: n === 0 ? 1 : 0 } };
  turn.usage = { ...turn.usage, spend };
}

/**
 * What a call has used whose provider does not tell: it was cut, or has failed. The whole prompt was read, and what was seen was
 * written. Who stops each answer before its end is not without a limit.
 *
 * @param writtenBytes of what was seen
 * @param lastInputTokens of the turn's last finished call, whose prompt was shorter
 */
export function estimated(
  { messages }: ModelRequest,
  writtenBytes: number,
  { lastInputTokens }: { lastInputTokens: number },
): Usage {
  let bytes = 0;
  for (const message of messages) {
    if (message.role === 'user')
      bytes += Buffer.byteLength(wordsOf(message.content)) + shownBytes(message.content);
    else for (const text of textsOf([message])) bytes += Buffer.byteLength(text);
  }
  return {
    inputTokens: Math.max(Math.ceil(bytes / BYTES_PER_TOKEN), lastInputTokens),
    outputTokens: Math.ceil(writtenBytes / BYTES_PER_TOKEN),
  };
}
