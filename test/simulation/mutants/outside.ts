import { drop, replace } from '../../mutation/edits.ts';
import type { Mutant } from './mutant.ts';

/** Messages that the application sends by itself. */
export const OUTSIDE: readonly Mutant[] = [
  {
    name: 'system-message-unmarked',
    breaks: 'a message of the application is shown as such',
    outside: true,
    edits: [drop('system-message-is-marked')],
  },
  {
    name: 'system-lane-emptied',
    breaks: 'two messages of the application at once make one lane',
    outside: true,
    edits: [replace('system-lane-is-made-once', ({ text }) => text.replace('.putIfAbsent(', '.put('))],
  },
  {
    name: 'withdrawn-system-message-comes-back',
    breaks: 'a message that a user has withdrawn is not tried again',
    outside: true,
    edits: [replace('final-withdrawal-stays', ({ text }) => `(${text}) && false`)],
  },
];
