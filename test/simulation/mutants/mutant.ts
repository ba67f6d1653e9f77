import type { HistoryOptions } from '../history.ts';

/**
 * Single faults, put into the product's source as it is loaded. The simulation must catch each: one that survives is a
 * hole in the judge, or a rule that is not needed.
 */
export interface Mutant {
  name: string;
  /** What is no longer true. */
  breaks: string;
  /** What its histories are full of, where the rule is needed only then. */
  faults?: HistoryOptions['faults'];
  /** Needed only where devices steer one another's turns. */
  crowd?: true;
  /** Needed only where people approve or deny. */
  approvals?: true;
  patches: readonly (readonly [file: string, find: string, replace: string])[];
}

/** Every sixth write reaches the store once more, up to three seconds later. */
export const LATE_DUPLICATES = { ghost: 0.15 };
