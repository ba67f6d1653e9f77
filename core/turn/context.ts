import type { TurnSettings } from '../../config/settings.ts';
import type { Core } from '../core.ts';
import type { Model, Toolbox } from '../model.ts';

/** What a worker is given beside the core. */
export interface TurnContext {
  core: Core;
  model: Model;
  /** Goes on with a turn whose model fails before anything of a call is visible. */
  fallback?: Model;
  toolbox: Toolbox;
  settings: Pick<
    TurnSettings,
    'maxSteps' | 'flushMs' | 'stallMs' | 'contextTokens' | 'cache' | 'approvalSeconds' | 'approvalHoldMs'
  >;
  /** Milliseconds until this invocation is ended from outside; below `reserveMs` the turn is handed over. */
  remainingMs(): number;
  reserveMs: number;
  /** No tool is given longer than this, so that a fresh invocation can always finish a batch. */
  maxToolMs: number;
}

export const timeIsShort = (context: TurnContext): boolean => context.remainingMs() < context.reserveMs;

/** While nothing is committed, the lane is looked at this often: an abort is heard within it. */
export const LANE_POLL_MS = 500;
