import type { Budgets, DayBudget } from '../../config/settings/budgets.ts';
import { BUDGET_HOLDERS, type Budgeting, type Caller } from '../../core/model.ts';
import { ownValue } from '../../core/own-value.ts';

/**
 * What a principal may use in a day (UTC), and its tenant with all its principals. What is named replaces the setting; `Infinity` is no
 * limit, and 0 allows nothing.
 */
export interface AgentBudget extends DayBudget {
  tenant?: DayBudget;
}

/** Says what whoever asks may use. It is asked once for a turn, and has ten seconds. */
export type BudgetFunction = (
  who: Pick<Caller, 'principal' | 'claims'>,
) => AgentBudget | PromiseLike<AgentBudget>;

const UNITS = ['turns', 'tokens', 'cost'] as const satisfies readonly (keyof DayBudget)[];

/** The budgets of this deployment. Undefined: there are none, and nothing is counted. */
export function budgetingOf(
  { budget }: { budget?: BudgetFunction },
  settings: Budgets,
): Budgeting | undefined {
  const holders = BUDGET_HOLDERS.filter(
    (holder) => budget !== undefined || Object.keys(settings[holder]).length > 0,
  );
  if (holders.length === 0) return undefined;
  return {
    holders,
    async of(who) {
      if (!budget) return settings;
      const { tenant, ...principal } = objectOf(await budget(who), [...UNITS, 'tenant']);
      return {
        principal: merged(settings.principal, principal),
        tenant: merged(settings.tenant, tenant === undefined ? {} : objectOf(tenant, UNITS)),
      };
    },
  };
}

function objectOf(value: unknown, names: readonly string[]): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) throw new TypeError('budget returned no object');
  const unknown = Object.keys(value).find((name) => !names.includes(name));
  if (unknown !== undefined) throw new TypeError(`budget returned ${unknown}: there are ${names.join(', ')}`);
  return { ...value };
}

function merged(settings: DayBudget, own: Readonly<Record<string, unknown>>): DayBudget {
  const limits: DayBudget = {};
  for (const unit of UNITS) {
    const limit = ownValue(own, unit) ?? settings[unit];
    if (limit === undefined || limit === Number.POSITIVE_INFINITY) continue;
    if (typeof limit !== 'number' || !(limit >= 0))
      throw new TypeError(`budget returned ${unit} that is no number from 0`);
    limits[unit] = limit;
  }
  return limits;
}
