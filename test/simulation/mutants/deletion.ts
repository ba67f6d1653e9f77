import { drop, replace } from '../../mutation/edits.ts';
import type { Mutant } from './mutant.ts';

/** Deleted sessions, and session lists. */
export const DELETION: readonly Mutant[] = [
  {
    name: 'items-removed-once',
    breaks: 'the items of a deleted session are removed again when no worker can write any more',
    edits: [drop('items-removed-again-at-end')],
  },
  {
    name: 'lanes-left-open',
    breaks: 'every lane of a session is closed before its deletion is answered',
    edits: [drop('deletion-closes-lanes-first')],
  },
  {
    name: 'deleted-without-terminal-event',
    breaks: 'a running turn ends when its session is deleted',
    edits: [replace('deletion-ends-running-turn', 'undefined')],
  },
  {
    name: 'deleted-without-outcomes',
    breaks: 'the deletion withdraws pending messages and reports it to their senders',
    edits: [drop('deletion-reports-pending-messages')],
  },
  {
    name: 'deleted-session-admits',
    breaks: 'a deleted session admits neither connection, slot, turn nor listener',
    edits: [
      drop('deleted-session-opens-no-connection'),
      drop('deleted-session-admits-no-slot'),
      drop('deleted-session-runs-no-turn'),
      drop('deleted-session-has-no-listener'),
    ],
  },
  {
    name: 'deletion-not-reported',
    breaks: 'a deletion is reported to every listener of the session',
    edits: [drop('deletion-reported-to-listeners')],
  },
  {
    name: 'listing-expires-first',
    breaks: 'a session is in its list for as long as it exists',
    edits: [replace('listing-outlives-session', ({ left, right }) => `${left} - ${right}`)],
  },
  {
    name: 'close-without-seq',
    breaks: 'a lane is closed as it was read, so that no commit is lost',
    edits: [drop('close-needs-seq')],
  },
];
