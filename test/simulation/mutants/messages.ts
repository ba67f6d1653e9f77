import { drop, replace } from '../../mutation/edits.ts';
import { LATE_DUPLICATES, type Mutant } from './mutant.ts';

/** Messages, from their acceptance to the transcript or to their rejection. */
export const MESSAGES: readonly Mutant[] = [
  {
    name: 'message-part-lost',
    breaks: 'content is applied as it was sent, part for part',
    edits: [
      replace(
        'content-applied-whole',
        ({ key, value }) => `${key}: typeof ${value} === 'string' ? ${value} : ${value}.slice(-1)`,
      ),
    ],
  },
  {
    name: 'apply-without-condition',
    breaks: 'a message that is applied must still be pending',
    edits: [replace('applied-message-is-pending', '[]')],
  },
  {
    name: 'end-on-full-inbox',
    breaks: 'a turn ends only if the inbox is empty',
    edits: [drop('end-needs-empty-inbox')],
  },
  {
    name: 'end-without-waiting-condition',
    breaks: 'a turn ends with the waiting messages as they were read',
    edits: [drop('end-needs-no-waiting-message')],
  },
  {
    name: 'reject-claimed-turn',
    breaks: 'a turn is rejected only if no worker has claimed it',
    edits: [drop('rejected-turn-has-no-worker')],
  },
  {
    name: 'withdrawn-bytes-stay',
    breaks: 'a lane counts the bytes of what is pending on it: a message that is withdrawn makes room',
    edits: [drop('withdrawn-message-gives-its-bytes-back')],
  },
  {
    name: 'rejected-bytes-stay',
    breaks: 'a waiting message that is rejected makes room on its lane',
    edits: [drop('rejected-message-gives-its-bytes-back')],
  },
  {
    name: 'reject-changed-inbox',
    breaks: 'a turn is rejected with the inbox as it was read',
    edits: [drop('reject-needs-inbox-as-read')],
  },
  {
    name: 'no-undelivered-outcome',
    breaks: 'the outcome of a withdrawn message stays until its sender received it',
    edits: [drop('outcome-kept-until-received')],
  },
  {
    name: 'outcome-not-read-before-accept',
    breaks: 'a repeat of a message whose outcome is known gets that outcome',
    edits: [replace('known-outcome-answers-repeat', ({ text }) => `(${text}, undefined)`)],
  },
  {
    name: 'outcome-not-read-at-apply',
    breaks: 'a message that came back late is not applied again',
    edits: [replace('known-outcome-not-applied-again', 'undefined')],
  },
  {
    name: 'outcome-not-the-stored-one',
    breaks: 'a client receives the outcome that MESSAGE holds',
    edits: [replace('stored-outcome-counts', ({ right }) => right)],
  },
  {
    name: 'outcome-never-recorded',
    breaks: 'the outcome of an applied message is known for a day',
    edits: [drop('applied-message-has-outcome')],
  },
  {
    name: 'no-previous-ids',
    breaks: 'a lane remembers the ids of its previous turn',
    faults: LATE_DUPLICATES,
    edits: [replace('previous-ids-stay-known', '{}')],
  },
  {
    name: 'acknowledge-without-opening',
    breaks: 'a message is acknowledged on an unclaimed turn only after its slot was opened',
    edits: [
      replace('acknowledge-opens-slot', ({ text, args: [lane, id] }, other) => {
        const isRepeat = other('repeat-is-marked').left;
        const steers = `${lane}.inbox[${id}] && ${lane}.inbox[${id}].turn !== ${lane}.turn`;
        return `(${isRepeat} || (${steers}) ? undefined : ${text})`;
      }),
    ],
  },
  {
    name: 'content-not-stored',
    breaks: 'content that is stored apart is there when its message is accepted',
    edits: [drop('content-before-message')],
  },
  {
    name: 'content-in-use-removed',
    breaks: 'a repeat whose first try was accepted leaves the content in place',
    faults: { ambiguous: 0.2 },
    edits: [replace('content-in-use-stays', 'true')],
  },
  {
    name: 'refused-content-kept',
    breaks: 'the content of a refused message is removed',
    edits: [drop('refused-content-removed')],
  },
  {
    name: 'withdrawn-content-kept',
    breaks: 'the content of a cancelled message is removed',
    edits: [drop('withdrawn-content-removed')],
  },
  {
    name: 'rejected-content-kept',
    breaks: 'the content of a rejected message is removed',
    edits: [drop('rejected-content-removed')],
  },
  {
    name: 'discarded-content-kept',
    breaks: 'the content of a message that an abort discards is removed',
    edits: [drop('discarded-content-removed')],
  },
  {
    name: 'applied-content-kept',
    breaks: 'the content of an applied message is removed',
    edits: [drop('applied-content-removed')],
  },
];
