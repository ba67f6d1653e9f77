import { drop, replace } from '../../mutation/edits.ts';
import type { Mutant } from './mutant.ts';

/** Rules of forks. */
export const FORKS: readonly Mutant[] = [
  {
    name: 'fork-sees-its-cut',
    breaks: 'a fork has no entry from its cut on',
    edits: [replace('fork-ends-before-its-cut', ({ text }) => `${text} + 1`)],
    forks: true,
  },
  {
    name: 'fork-without-its-last-entries',
    breaks: 'a fork has all entries when it is told of',
    edits: [drop('fork-has-all-entries')],
    forks: true,
  },
  {
    name: 'half-fork-open',
    breaks: 'nobody is connected to half a fork',
    edits: [drop('half-fork-opens-no-connection')],
    forks: true,
  },
  {
    name: 'half-fork-forgotten',
    breaks: 'a fork whose function died is completed, or removed',
    edits: [replace('half-fork-is-watched', ({ text }) => `void (async () => { ${text} });`)],
    forks: true,
  },
  {
    name: 'fork-of-deleted-session',
    breaks: 'a fork of a session that was deleted meanwhile is given up',
    edits: [
      replace('fork-of-deleted-session-is-given-up', ({ args: [origin] }) => `${origin} !== undefined`),
    ],
    forks: true,
  },
  {
    name: 'fork-begun-twice',
    breaks: 'the id of a fork is taken once',
    edits: [drop('fork-takes-a-new-id')],
    forks: true,
  },
  {
    name: 'fork-unlisted',
    breaks: 'a fork is in the list from the beginning',
    edits: [drop('fork-is-listed')],
    forks: true,
  },
];
