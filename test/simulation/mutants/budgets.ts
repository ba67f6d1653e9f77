import { drop, replace } from '../../mutation/edits.ts';
import { LATE_DUPLICATES, type Mutant } from './mutant.ts';

/** What principals may use in a day. */
export const BUDGETS: readonly Mutant[] = [
  {
    name: 'step-counted-twice',
    breaks: 'what a model call used is counted once, whoever repeats the count',
    faults: LATE_DUPLICATES,
    edits: [drop('step-is-counted-once')],
  },
  {
    name: 'counted-before-durable',
    breaks: 'what a model call used is durable before it is counted',
    edits: [drop('use-is-durable-before-count')],
  },
  {
    name: 'spent-budget-calls-model',
    breaks: 'no model is called after the budget is spent',
    edits: [drop('spent-budget-calls-no-model')],
  },
  {
    name: 'spent-budget-begins-turn',
    breaks: 'no turn begins after the budget is spent',
    edits: [drop('spent-budget-applies-nothing')],
  },
  {
    name: 'end-before-count',
    breaks: 'what a turn used is counted before the turn ends',
    edits: [replace('count-before-end', 'Promise.resolve()')],
  },
];
