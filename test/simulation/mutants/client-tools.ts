import { drop, replace } from '../../mutation/edits.ts';
import type { Mutant } from './mutant.ts';

/** Tools that devices run. */
export const CLIENT_TOOLS: readonly Mutant[] = [
  {
    name: 'output-of-closed-request',
    breaks: 'an output needs an open request',
    clients: true,
    edits: [drop('output-needs-open-request')],
  },
  {
    name: 'output-replaced',
    breaks: 'the first output counts',
    clients: true,
    edits: [drop('first-output-counts')],
  },
  {
    name: 'late-over-output',
    breaks: 'a call that is late has no output',
    clients: true,
    edits: [drop('late-call-has-no-output')],
  },
  {
    name: 'client-asked-again',
    breaks: 'a client is asked once for a call',
    clients: true,
    edits: [replace('client-is-asked-once', 'true')],
  },
  {
    name: 'output-of-any-lane',
    breaks: 'only the connection that has the lane of the turn gives an output',
    clients: true,
    edits: [replace('output-of-its-lane', 'true')],
  },
];
