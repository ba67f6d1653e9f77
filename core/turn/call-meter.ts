import type { Model, Usage } from '../model.ts';
import { type BudgetRefusal, failureOf, type TurnBudget, UNDECIDED_BUDGET } from './budget.ts';
import { owe } from './call-usage.ts';
import type { TurnContext } from './context.ts';
import type { LeasedTurn } from './leased-turn.ts';
import { withSubagents } from './usage.ts';

/** What is asked before each model call of a tool, and counts it. */
export type CallBudget = Pick<TurnBudget, 'settle' | 'refusal' | 'lacksPrice'>;

interface Use {
  model: Model;
  usage: Usage;
  /** It is counted, or nobody waits any more. */
  counted: () => void;
}

/**
 * Counts the model calls that the tools of a batch make, in the usage of the turn and against its budgets. The calls of a batch run at
 * the same time, and the batch alone commits: it takes what was used and stores it with what it commits next. Who made a call waits
 * for that before its next one, so that each call of the batch uses at most one step beyond a budget.
 */
export class CallMeter {
  readonly #turn: LeasedTurn;
  readonly #context: TurnContext;
  readonly #budget: CallBudget;
  readonly #onUse: () => void;
  #news: Use[] = [];
  /** Noted or not: what is waited for. */
  readonly #open = new Set<Use>();
  #isOver = false;

  /** @param onUse there is something to be counted */
  constructor(turn: LeasedTurn, context: TurnContext, budget: CallBudget, onUse: () => void) {
    this.#turn = turn;
    this.#context = context;
    this.#budget = budget;
    this.#onUse = onUse;
  }

  get hasNews(): boolean {
    return this.#news.length > 0;
  }

  /**
   * Why this model must not be called. Undefined: it may be.
   *
   * @throws if the store fails
   */
  async refusal(model: Pick<Model, 'price'>): Promise<string | undefined> {
    const refused: BudgetRefusal | undefined = await this.#budget.refusal();
    if (refused) return failureOf(refused).message;
    return (await this.#budget.lacksPrice(model)) ? UNDECIDED_BUDGET.message : undefined;
  }

  /** Takes down what a call has used. @returns when it is counted */
  count(model: Model, usage: Usage): Promise<void> {
    const { promise, resolve: counted } = Promise.withResolvers<void>();
    const use = { model, usage, counted };
    this.#news.push(use);
    this.#open.add(use);
    this.#onUse();
    if (this.#isOver) this.release();
    return promise;
  }

  /** Adds all news to the usage of the turn. It is durable with the next commit, and counted by `settle` after that. */
  note(): { isNew: boolean; settle: () => Promise<void> } {
    const news = this.#news.splice(0);
    for (const { model, usage } of /* rule: use-of-a-subagent-is-noted-once */ news) {
      this.#turn.usage = withSubagents(this.#turn.usage, { model, own: this.#context.model }, usage);
      owe(this.#turn, this.#context, usage, model.price);
    }
    return {
      isNew: news.length > 0,
      settle: async () => {
        if (news.length > 0) await this.#budget.settle();
        this.#end(news);
      },
    };
  }

  /** Nobody waits any more. What is still counted is noted by whoever ends the batch. */
  release(): void {
    this.#isOver = true;
    this.#end([...this.#open]);
  }

  #end(uses: readonly Use[]): void {
    for (const use of uses) {
      this.#open.delete(use);
      use.counted();
    }
  }
}
