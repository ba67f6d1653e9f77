import type { EpochSeconds } from '../../config/units.ts';
import type { Usage } from '../model.ts';

/** What model calls use: of a turn, on its lane; of a day, in an item of the principal or of the tenant. */

/** Where a finished model call ends in its turn. Its text and its calls are in the events. */
export interface CallMark {
  /** UTF-16 code units of the turn's text, and its tool calls, up to the end of this call. */
  textTo: number;
  callsTo: number;
  /** Where its own text begins, if calls before it were cut: with theirs it is one answer. */
  textFrom?: number;
  /** As in `StepFacts`. */
  finish: string;
  usage: Usage;
  model: string;
}

/** What one model used of a turn. */
export interface ModelShare extends Usage {
  provider: string;
  name: string;
  steps: number;
  /** Not there if a call had no price. */
  cost?: number;
}

/** What the model calls of a turn have used so far. */
export interface TurnUsage extends Usage {
  steps: number;
  lastInputTokens: number;
  /** In `currency`. Not there if a call had no price. */
  cost?: number;
  currency?: string;
  /** The model that made the last call, if it is not the agent's own. */
  model?: { provider: string; name: string };
  /** What each model used, where several have made calls: that of the last call is the last. */
  models?: readonly ModelShare[];
  /** Of each finished call, where the agent's code looks back at them. */
  marks?: readonly CallMark[];
  /** Steps that a hook of the agent was told of. */
  hooked?: number;
  /** The last model call ended with an answer. With an empty inbox the turn is `done`. */
  answered: boolean;
  /** How the answer ended: `reason` of the model's `finish`. */
  finish?: string;
  /** The answer came from the response cache. */
  cached?: true;
  /** Where there are budgets: how often the turn was counted against them, and what may not have been counted yet. */
  spend?: { n: number; owed?: Owed };
}

/** What a turn has used, and on which day (UTC, as `2026-11-30`). */
export interface Owed {
  day: string;
  turns: number;
  tokens: number;
  /** As in `Spend`. */
  nano: number;
}

/** What a principal, or a tenant, has used in one day (UTC). */
export interface Spend {
  /** Turns that called a model. */
  turns: number;
  /** That models read and wrote. */
  tokens: number;
  /** Billionths of the currency of the agent's prices: whole numbers, so that sums are exact. */
  nano: number;
  /** By session, as a digest: its last count in the current window of time, and in the one before. */
  marks: Record<string, number>;
  earlier: Record<string, number>;
  /** The window that `marks` are of. */
  window: number;
  /** Changes with each write. */
  version: number;
  expires: EpochSeconds;
}
