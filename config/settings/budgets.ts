import { read } from './read.ts';
import type { Environment, SettingTable, TextSetting } from './setting.ts';

/** What a principal, or a tenant, may use in a day. */

/** An amount of money, in the currency of the agent's `prices`. */
const AMOUNT = {
  kind: 'text',
  pattern: /^(?=.*[1-9])\d{1,9}(\.\d{1,6})?$/,
  form: 'an amount above 0, such as 2.5',
} as const satisfies Partial<TextSetting>;

export const BUDGET_SETTINGS = {
  /** Turns that one principal can begin in a day (UTC), in all its sessions. With `MIDTURN_AUTH=none`, everybody is one principal. */
  principalDayTurns: {
    name: 'MIDTURN_PRINCIPAL_DAY_TURNS',
    kind: 'integer',
    unit: 'count',
    range: [1, 1_000_000],
    unset: 'no limit',
    functions: ['turn'],
  },
  /** Tokens that models read and write for one principal in a day (UTC). */
  principalDayTokens: {
    name: 'MIDTURN_PRINCIPAL_DAY_TOKENS',
    kind: 'integer',
    unit: 'tokens',
    range: [1, 1_000_000_000_000],
    unset: 'no limit',
    functions: ['turn'],
  },
  /** What model calls may cost for one principal in a day (UTC), in the currency of `prices` in `agent.ts`, which needs them. */
  principalDayCost: {
    name: 'MIDTURN_PRINCIPAL_DAY_COST',
    ...AMOUNT,
    unset: 'no limit',
    functions: ['turn'],
  },
  /**
   * The same for all principals of a tenant together. Each step of the tenant then writes one item more and reads all of its day's
   * ([cost](cost.md#what-budgets-cost)).
   */
  tenantDayTurns: {
    name: 'MIDTURN_TENANT_DAY_TURNS',
    kind: 'integer',
    unit: 'count',
    range: [1, 1_000_000_000],
    unset: 'no limit',
    functions: ['turn'],
  },
  /** Tokens of all principals of a tenant together in a day (UTC). */
  tenantDayTokens: {
    name: 'MIDTURN_TENANT_DAY_TOKENS',
    kind: 'integer',
    unit: 'tokens',
    range: [1, 1_000_000_000_000],
    unset: 'no limit',
    functions: ['turn'],
  },
  /** What model calls may cost for all principals of a tenant together in a day (UTC). */
  tenantDayCost: {
    name: 'MIDTURN_TENANT_DAY_COST',
    ...AMOUNT,
    unset: 'no limit',
    functions: ['turn'],
  },
} as const satisfies SettingTable;

/** What may be used in a day (UTC). What is not named has no limit. */
export interface DayBudget {
  turns?: number;
  tokens?: number;
  /** In the currency of the agent's prices. */
  cost?: number;
}

/** The budgets that count for a turn: those of its principal, and of its tenant. */
export interface Budgets {
  principal: DayBudget;
  tenant: DayBudget;
}

export function readBudgets(env: Environment): Budgets {
  const settings = BUDGET_SETTINGS;
  const amount = (setting: typeof settings.principalDayCost | typeof settings.tenantDayCost) => {
    const text = read(env, setting);
    return text === undefined ? undefined : Number(text);
  };
  return {
    principal: limits(
      read(env, settings.principalDayTurns),
      read(env, settings.principalDayTokens),
      amount(settings.principalDayCost),
    ),
    tenant: limits(
      read(env, settings.tenantDayTurns),
      read(env, settings.tenantDayTokens),
      amount(settings.tenantDayCost),
    ),
  };
}

const limits = (turns?: number, tokens?: number, cost?: number): DayBudget => ({
  ...(turns !== undefined && { turns }),
  ...(tokens !== undefined && { tokens }),
  ...(cost !== undefined && { cost }),
});
