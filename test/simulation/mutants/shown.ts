import { drop, replace } from '../../mutation/edits.ts';
import type { Mutant } from './mutant.ts';

/** What tools show while they run. */
export const SHOWN: readonly Mutant[] = [
  {
    name: 'shown-after-its-result',
    breaks: 'a call that has its result shows nothing any more',
    shows: true,
    edits: [drop('nothing-shown-after-result')],
  },
  {
    name: 'result-goes-first',
    breaks: 'what a call has shown comes before its result',
    shows: true,
    edits: [replace('shown-before-result', ({ text }) => `${text}.toReversed()`)],
  },
  {
    name: 'restart-not-told',
    breaks: 'the first progress of a call that runs again says so',
    shows: true,
    edits: [replace('restart-is-told', 'false')],
  },
  {
    name: 'replaced-in-its-old-place',
    breaks: 'what a call shows comes in its order',
    shows: true,
    edits: [drop('newest-comes-last')],
  },
];
