import { drop, replace } from '../../mutation/edits.ts';
import type { Mutant } from './mutant.ts';

/** Summaries of what prompts leave out. */
export const COMPACTION: readonly Mutant[] = [
  {
    name: 'summary-not-in-prompt',
    breaks: 'the summary that a turn reports is in its prompts',
    edits: [drop('summary-stands-first')],
  },
  {
    name: 'summary-changes-within-a-turn',
    breaks:
      'a summary that is stored while a turn runs is for the next turn, also for a worker that takes over',
    edits: [
      replace('turn-keeps-its-summary', ({ callee }) => `((): ReturnType<typeof ${callee}> => undefined)()`),
    ],
  },
  {
    name: 'summary-told-in-each-turn',
    breaks: 'a summary is told of once',
    edits: [replace('summary-is-told-once', 'false')],
  },
  {
    name: 'summary-replaced',
    breaks: 'a summary that is stored does not change',
    edits: [drop('summary-is-stored-once')],
  },
  {
    name: 'summary-of-thoughts',
    breaks: 'a summary is made of what was said, not of what a model thought',
    edits: [replace('summary-of-what-was-said', ({ object }) => `JSON.stringify(${object})`)],
  },
];
