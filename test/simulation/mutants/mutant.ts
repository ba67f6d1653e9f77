import type { Edit } from '../../mutation/edits.ts';
import type { HistoryOptions } from '../history.ts';

/**
 * A single fault in the product. The simulation must catch each mutant: one that survives shows that the judge overlooks
 * something, or that the rule is not needed. docs/contributing/mutants.md tells how to write one.
 */
export interface Mutant {
  name: string;
  /** The rule that no longer holds. */
  breaks: string;
  /** Faults of the mutant's histories, where the rule matters only among many of one kind. */
  faults?: HistoryOptions['faults'];
  /** The rule matters only where devices steer one another's turns. */
  crowd?: true;
  /** The rule matters only where users approve or deny tool calls. */
  approvals?: true;
  /** The rule matters only where messages have options. */
  contexts?: true;
  /** The rule matters only where tools show their progress. */
  shows?: true;
  /** The rule matters only where devices run a tool. */
  clients?: true;
  hooks?: true;
  /** The rule matters only where the application sends messages. */
  outside?: true;
  forks?: true;
  /** What changes in the source, by markers. */
  edits: readonly Edit[];
}

/** About every seventh write reaches the store a second time, up to three seconds later. */
export const LATE_DUPLICATES = { ghost: 0.15 };
