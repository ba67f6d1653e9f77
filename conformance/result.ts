import { Broken, Skipped } from './outcome.ts';
import type { Check } from './rule.ts';

/** What became of a rule, or of a case. */
export interface Result {
  rule: Check;
  outcome: 'passed' | 'failed' | 'skipped';
  /** Why it failed or was skipped, in one line. */
  reason?: string;
  seconds: number;
}

/** What the error of a check means. */
export function verdict(error: unknown): { outcome: 'failed' | 'skipped'; reason: string } {
  if (error instanceof Skipped) return { outcome: 'skipped', reason: error.message };
  if (error instanceof Broken) return { outcome: 'failed', reason: error.message };
  // The other side closed the connection or refused a handshake, or the kit has a fault: the check did not pass.
  return { outcome: 'failed', reason: error instanceof Error ? error.message : String(error) };
}
