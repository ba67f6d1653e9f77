import type { Budgets, DayBudget } from '../../config/settings/budgets.ts';
import { BUDGET_HOLDERS, type BudgetHolder, type Caller, type Model } from '../model.ts';
import { budgetSpent } from '../replies.ts';
import { countSpend, type DayUse, dayOf, nextDay, readSpend } from '../session/spend.ts';
import type { Withdrawal } from '../store/items.ts';
import { laneKey, sessionKey } from '../store/keys.ts';
import { isClosed } from '../store/lane/lane.ts';
import type { Owed, TurnUsage } from '../store/usage-items.ts';
import { asked, nameOf } from './agents-code.ts';
import { NANO } from './call-usage.ts';
import type { TurnContext } from './context.ts';
import { modelOf } from './fallback.ts';
import { Fenced } from './lease.ts';
import type { LeasedTurn } from './leased-turn.ts';

/** More than a turn has counts. */
const COUNTS_OF_TURN = 1_000_000;

/** Why a turn may not call its model: as its end tells it, or as a message is withdrawn. */
export type BudgetRefusal = Withdrawal & { code: 'BUDGET_EXCEEDED' | 'AGENT_ERROR' };

/**
 * The budgets of one turn. What a model call has used is durable on the lane first (`owed`), then it is counted, then the next
 * call is made: so each call is counted once, whichever worker does it, and no session uses more than one step beyond a
 * budget.
 */
export class TurnBudget {
  readonly #turn: LeasedTurn;
  readonly #context: TurnContext;
  /** Of the turn with this id: another turn may follow in the same run. */
  #budgets: { turn: string; budgets: Promise<Budgets> } | undefined;
  readonly #used = new Map<BudgetHolder, { day: string; use: Promise<DayUse> }>();
  #refusedTurn: string | undefined;
  /** What a turn used that is given up could not be counted. */
  #hasFailed = false;

  /** Starts reading what was used today: that takes no time of the turn's. */
  constructor(turn: LeasedTurn, context: TurnContext) {
    this.#turn = turn;
    this.#context = context;
    for (const holder of context.budgeting?.holders ?? []) this.#read(holder).catch(() => {});
  }

  /**
   * Counts what the last model call has used.
   *
   * @throws if the store fails: what cannot be counted is not used
   */
  async settle(): Promise<void> {
    const turn = this.#turn;
    const { spend } = turn.usage;
    if (!this.#context.budgeting || !spend?.owed) return;
    // Another worker counts it again under the same mark, or not at all.
    // rule: use-is-durable-before-count
    if (!turn.isUsageStored) await turn.commitAlways([]);
    await this.#count(spend.n, spend.owed);
    turn.usage = { ...turn.usage, spend: { n: spend.n } };
  }

  /**
   * The same for a turn that is given up, which ends whether it can be counted or not (P1).
   *
   * @throws Fenced
   */
  async settleOnce(): Promise<void> {
    if (this.#hasFailed) return;
    try {
      await this.settle();
    } catch (error) {
      if (error instanceof Fenced) throw error;
      this.#hasFailed = true;
      this.#notCounted(error);
    }
  }

  /**
   * Counts what the last model call has used if the session was deleted meanwhile: who deletes each session in the middle of its
   * answer is not without a limit. Nothing of it can be stored on the lane, so if this worker dies now, it is not counted.
   */
  async settleDeleted(): Promise<void> {
    const { session, usage } = this.#turn;
    if (!this.#context.budgeting || !usage.spend?.owed) return;
    try {
      const { store } = this.#context.core;
      const item = await store.get(sessionKey(session));
      const lane = await store.get(laneKey(session, this.#turn.laneId));
      // Otherwise another worker goes on with the turn, calls the model again, and counts what that call uses.
      const isOver = !lane || isClosed(lane);
      if (isOver && (!item || item.deleted !== undefined)) await this.#count(usage.spend.n, usage.spend.owed);
    } catch (error) {
      this.#notCounted(error);
    }
  }

  /** @param n the number of the count in its turn */
  async #count(n: number, owed: Owed): Promise<void> {
    const { session, firstSeq } = this.#turn;
    const mark = firstSeq * COUNTS_OF_TURN + n;
    for (const holder of await this.#counted()) {
      const use = await countSpend(this.#context.core, session, holder, { mark, owed });
      if (use) this.#used.set(holder, { day: owed.day, use: Promise.resolve(use) });
      // Read when it is asked for, which is before the next call.
      else this.#used.delete(holder);
    }
  }

  #notCounted(error: unknown): void {
    const { id, usage } = this.#turn;
    this.#context.core.log.error('what a turn used was not counted', {
      turn: id,
      ...usage.spend?.owed,
      error: String(error),
    });
  }

  /**
   * Whether a budget is spent, before a model call.
   *
   * @param claims of the message that begins the turn. Undefined: it has begun
   */
  async refusal(claims?: Caller['claims']): Promise<BudgetRefusal | undefined> {
    const { budgeting, core } = this.#context;
    if (!budgeting) return undefined;
    const turn = this.#turn;
    let budgets: Budgets;
    try {
      budgets = await this.#budgetsOf(claims);
    } catch (error) {
      core.log.error("the agent's code cannot say what a turn may use", {
        turn: turn.id,
        error: nameOf(error),
      });
      return { code: 'AGENT_ERROR' };
    }
    if (await this.lacksPrice(modelOf(turn, this.#context).model)) return { code: 'AGENT_ERROR' };
    for (const holder of BUDGET_HOLDERS) {
      const budget = budgets[holder];
      if (Object.keys(budget).length === 0) continue;
      const unit = spentUnit(budget, await this.#read(holder), turn.usage);
      if (unit) return this.#refused(holder, unit, budget);
    }
    return undefined;
  }

  /** Whether a budget of money is of no use, since nobody knows what the model costs. The agent's code has answered. */
  async lacksPrice({ price }: Pick<Model, 'price'>): Promise<boolean> {
    if (price || !this.#context.budgeting) return false;
    const budgets = await this.#budgetsOf();
    const isLacking = BUDGET_HOLDERS.some((holder) => budgets[holder].cost !== undefined);
    if (isLacking)
      this.#context.core.log.error('a model has no price, so no budget of money holds', {
        turn: this.#turn.id,
      });
    return isLacking;
  }

  #refused(holder: BudgetHolder, unit: Unit, budget: DayBudget): BudgetRefusal {
    const { core } = this.#context;
    const { id } = this.#turn;
    if (this.#refusedTurn !== id) {
      core.metrics.countBy('BudgetRefusals', `${holder} ${unit}`);
      core.log.info('a budget is spent', { turn: id, budget: `${holder} ${unit}`, limit: budget[unit] });
    }
    this.#refusedTurn = id;
    return { code: 'BUDGET_EXCEEDED', until: nextDay(core.clock.now()) };
  }

  /** Whose uses are counted: without an answer of the agent's code, everybody's who may have a budget. */
  async #counted(): Promise<readonly BudgetHolder[]> {
    const { budgeting } = this.#context;
    try {
      const budgets = await this.#budgetsOf();
      return BUDGET_HOLDERS.filter((holder) => Object.keys(budgets[holder]).length > 0);
    } catch {
      return budgeting?.holders ?? [];
    }
  }

  #budgetsOf(claims?: Caller['claims']): Promise<Budgets> {
    const { budgeting, core } = this.#context;
    const { id, setup, sessionItem } = this.#turn;
    if (!budgeting) return Promise.resolve({ principal: {}, tenant: {} });
    if (this.#budgets?.turn !== id) {
      const { tenant, subject } = sessionItem.principal;
      const who = { principal: { tenant, subject }, claims: claims ?? setup.caller.claims };
      this.#budgets = { turn: id, budgets: asked(core.clock, 'budget', budgeting.of(who)) };
    }
    return this.#budgets.budgets;
  }

  #read(holder: BudgetHolder): Promise<DayUse> {
    const { core } = this.#context;
    const day = dayOf(core.clock.now());
    const known = this.#used.get(holder);
    if (known?.day === day) return known.use;
    const use = readSpend(core, this.#turn.session, holder, day);
    this.#used.set(holder, { day, use });
    return use;
  }
}

/** As the end of a turn that has begun. */
export const failureOf = ({ code, until }: BudgetRefusal) =>
  code === 'BUDGET_EXCEEDED' && until !== undefined
    ? { code, message: budgetSpent(until), retryable: true, until }
    : UNDECIDED_BUDGET;

export const UNDECIDED_BUDGET = {
  code: 'AGENT_ERROR',
  message: 'The agent could not say what this turn may use.',
  retryable: false,
} as const;

type Unit = keyof DayBudget;

/** What of a budget is spent. A turn that is counted already does not count against itself. */
function spentUnit(
  { turns = NEVER, tokens = NEVER, cost = NEVER }: DayBudget,
  used: DayUse,
  { spend: counted }: TurnUsage,
): Unit | undefined {
  if (!counted && used.turns >= turns) return 'turns';
  // rule: spent-budget-calls-no-model
  if (used.tokens >= tokens) return 'tokens';
  return used.nano >= cost * NANO ? 'cost' : undefined;
}

const NEVER = Number.POSITIVE_INFINITY;
