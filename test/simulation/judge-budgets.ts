import type { DayBudget } from '../../config/settings/budgets.ts';
import { type EpochMs, epochMs } from '../../config/units.ts';
import type { TurnEvent } from '../../core/events/events.ts';
import { asSessionId } from '../../core/ids.ts';
import type { Budgeting } from '../../core/model.ts';
import { dayOf } from '../../core/session/spend.ts';
import type { Lane, Principal } from '../../core/store/items.ts';
import { principalSpendKey, sessionOf } from '../../core/store/keys.ts';
import type { Owed, Spend } from '../../core/store/usage-items.ts';
import type { MemoryTable } from '../../core/testing/memory-store.ts';
import type { TitleWatch } from './titles.ts';

/** Tokens. More than the prompt and the answer of one call have in a history. */
const MOST_OF_CALL = 10_000;

/**
 * Judges the count of what a principal uses: each use that a worker stored is counted once, whatever fails, and a spent budget lets
 * no turn begin and no model be called. A history has one session, whose worker knows every count before its next call.
 */
export class BudgetWatch {
  readonly #table: MemoryTable;
  readonly #principal: Principal;
  /** What is left of the budget changes with it: a probe comes on a day with another one. */
  readonly #settings: { budget?: DayBudget };
  readonly #titles: Pick<TitleWatch, 'counted'>;
  /** By turn and number: as it was stored last. */
  readonly #owed = new Map<string, Owed>();

  constructor(
    table: MemoryTable,
    principal: Principal,
    settings: { budget?: DayBudget },
    titles: Pick<TitleWatch, 'counted'>,
  ) {
    this.#table = table;
    this.#principal = principal;
    this.#settings = settings;
    this.#titles = titles;
  }

  get budgeting(): Budgeting | undefined {
    if (!this.#settings.budget) return undefined;
    return {
      holders: ['principal'],
      of: async () => ({ principal: this.#settings.budget ?? {}, tenant: {} }),
    };
  }

  /** A write of a lane that the table took. */
  written({ usage, begun }: Lane): void {
    const { n, owed } = usage?.spend ?? {};
    if (owed) this.#owed.set(`${begun?.turn} ${n}`, owed);
  }

  /** @returns what is wrong with a model call of the worker that has the lane */
  modelCalled(now: EpochMs): string | undefined {
    // A worker knows of its own turn's calls. A title is written beside it.
    const tokens = this.#spend(now).tokens - this.#titles.counted.most;
    const { tokens: limit = Number.POSITIVE_INFINITY } = this.#settings.budget ?? {};
    return tokens >= limit ? `a model was called after ${tokens} of ${limit} tokens` : undefined;
  }

  /** @returns what is wrong with a turn that has begun */
  begun(now: EpochMs): string | undefined {
    const { turns } = this.#spend(now);
    const { turns: limit = Number.POSITIVE_INFINITY } = this.#settings.budget ?? {};
    return turns >= limit ? `a turn began after ${turns} of ${limit} turns` : undefined;
  }

  /** @returns what is wrong with the count, once everything has come to rest */
  *judge(now: EpochMs, events: readonly TurnEvent[], isDeleted: boolean): Generator<string> {
    if (!this.#settings.budget) return;
    const { turns, tokens } = this.#spend(now);
    const owed = [...this.#owed.values()];
    const expected = owed.reduce((sum, one) => sum + one.tokens, 0);
    const begun = new Set(events.map((event) => event.turn));
    // What a call uses in which the session is deleted is counted by its worker alone, if that lives.
    const { least, most } = this.#titles.counted;
    const isRight = isDeleted
      ? tokens <= expected + most + MOST_OF_CALL
      : tokens >= expected + least && tokens <= expected + most;
    if (!isRight)
      yield `${tokens} tokens are counted, and ${expected} were used, with ${least} to ${most} for titles`;
    if (turns > begun.size) yield `${turns} turns are counted, and ${begun.size} have begun`;
    const answers = events.flatMap((event) => (event.type === 'done' && !event.cached ? event : []));
    const told = answers.reduce((sum, done) => sum + done.input_tokens + done.output_tokens, 0);
    if (tokens < told || turns < answers.length)
      yield `${turns} turns and ${tokens} tokens are counted, and ${answers.length} turns told of ${told}`;
  }

  #spend(now: EpochMs): Pick<Spend, 'turns' | 'tokens'> {
    const session = sessionOf(this.#principal, asSessionId(''));
    return this.#table.get(principalSpendKey(session, dayOf(epochMs(now)))) ?? { turns: 0, tokens: 0 };
  }
}
