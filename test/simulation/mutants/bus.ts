import { drop, replace } from '../../mutation/edits.ts';
import type { Mutant } from './mutant.ts';

/** What an event bus is told. */
export const BUS: readonly Mutant[] = [
  {
    name: 'bus-not-told',
    breaks: 'the worker that commits an end tells the bus of it',
    edits: [drop('bus-told-before-next-commit')],
  },
  {
    name: 'take-over-tells-nobody',
    breaks: 'a worker that takes a lane over tells the bus what its predecessor may not have told',
    edits: [drop('take-over-tells-bus')],
  },
  {
    name: 'retired-slot-tells-nobody',
    breaks: 'the bus is told of the end of a turn whose worker died before it retired the slot',
    edits: [drop('retired-slot-tells-bus')],
  },
  {
    name: 'closed-lane-tells-nobody',
    breaks: 'the bus is told of a turn that the deletion of its session ends',
    edits: [drop('closed-lane-tells-bus')],
  },
  {
    name: 'deletion-told-to-nobody',
    breaks: 'the bus is told that a session is deleted',
    edits: [replace('bus-told-of-deletion', 'true')],
  },
];
