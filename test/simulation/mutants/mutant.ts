import type { Edit } from '../../mutation/edits.ts';
import type { HistoryOptions } from '../history.ts';
import type { Kinds } from '../kinds.ts';

/**
 * A single fault in the product. The simulation must catch each mutant: one that survives shows that the judge overlooks
 * something, or that the rule is not needed. The rule matters only in histories of the mutant's kinds, if it has some.
 * docs/contributing/mutants.md tells how to write one.
 */
export interface Mutant extends Kinds {
  name: string;
  /** The rule that no longer holds. */
  breaks: string;
  /** Faults of the mutant's histories, where the rule matters only among many of one kind. */
  faults?: HistoryOptions['faults'];
  /** What changes in the source, by markers. */
  edits: readonly Edit[];
}

/** About every seventh write reaches the store a second time, up to three seconds later. */
export const LATE_DUPLICATES = { ghost: 0.15 };
