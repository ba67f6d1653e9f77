import { drop, replace } from '../../mutation/edits.ts';
import { LATE_DUPLICATES, type Mutant } from './mutant.ts';

/** Leases, and what becomes of slots and their turn jobs. */
export const WORKER: readonly Mutant[] = [
  {
    name: 'post-before-commit',
    breaks: 'an event is durable before it is posted',
    edits: [
      replace('commit-before-post', ({ text }, other) => {
        const [post] = other('post-after-commit').args;
        return `await ${post};\n${text}`;
      }),
    ],
  },
  {
    name: 'commit-without-lease',
    breaks: 'a commit demands the lease of its worker',
    edits: [drop('commit-needs-lease')],
  },
  {
    name: 'commit-without-seq',
    breaks: 'a commit demands the seq that it extends',
    edits: [drop('commit-needs-seq')],
  },
  {
    name: 'shared-lease',
    breaks: 'the lease is a new value for each claim',
    edits: [replace('lease-is-new', "'worker'")],
  },
  {
    name: 'commit-id-of-the-lease',
    breaks: 'the commit id is a new value for each commit',
    edits: [replace('commit-id-is-new', '0')],
  },
  {
    name: 'claim-without-slot',
    breaks: 'a claim demands that the slot is the current one of its lane',
    edits: [drop('claim-needs-current-slot')],
  },
  {
    name: 'activate-without-check',
    breaks: 'another active slot is run to its end first',
    edits: [drop('one-active-slot')],
  },
  {
    name: 'active-while-waiting',
    breaks: 'a slot that waits behind its own lane’s turn is not the active one',
    edits: [drop('waiting-slot-is-not-active')],
  },
  {
    name: 'follow-up-in-own-slot',
    breaks: 'a turn that follows an aborted one runs in the same slot, under the same job',
    edits: [
      replace(
        'follow-up-keeps-slot',
        // A turn's id is no slot's id: the fault needs the cast.
        ({ text, callee, args: [, turn] }) => `${text}, ${callee}('slot', ${turn} as never)`,
      ),
    ],
  },
  {
    name: 'job-deleted-too-early',
    breaks: 'a job is deleted only when its slot is over',
    edits: [replace('job-kept-while-slot-has-work', ({ args: [lane, slot] }) => `${lane}.slot !== ${slot}`)],
  },
  {
    name: 'claims-begin-anew',
    breaks: 'workers that renew a turn are counted together',
    edits: [replace('claims-bounded-under-new-id', ({ consequent }) => consequent)],
  },
  {
    name: 'fenced-reports-success',
    breaks: 'a fenced worker reports failure',
    edits: [replace('fenced-job-fails', "'over'")],
  },
  {
    name: 'hand-over-reports-success',
    breaks: 'a turn that is handed over keeps its job',
    edits: [replace('handed-over-job-stays', "'over'")],
  },
  {
    name: 'no-pruning',
    breaks: 'slots that their lanes no longer have make room in the queue',
    edits: [replace('full-queue-is-pruned', ({ alternate }) => alternate)],
  },
  {
    name: 'retire-without-spill',
    breaks: 'a slot is retired only after its events are in EVENTS',
    edits: [drop('retire-after-spill')],
  },
  {
    name: 'retire-unleased-without-spill',
    breaks: 'so is the slot of another worker',
    edits: [drop('retired-slot-spills-events')],
  },
  {
    name: 'revived-turn-continues',
    breaks: 'a turn that a late request revived gets a new id',
    faults: { ghost: 0.3 },
    crowd: true,
    edits: [drop('revived-turn-gets-new-id')],
  },
  {
    name: 'retire-unleased-without-posts',
    breaks: 'events that may not have been posted are posted again',
    edits: [drop('retired-slot-posts-events')],
  },
  {
    name: 'retire-inactive-slot',
    breaks: 'only the active slot is retired',
    faults: LATE_DUPLICATES,
    edits: [drop('retire-needs-active-slot')],
  },
  {
    name: 'spill-under-first-seq',
    breaks: 'EVENTS items are keyed by their last seq',
    edits: [replace('spill-keyed-by-last-seq', ({ left, right }) => `${left} ||= ${right};`)],
  },
  {
    name: 'unspilled-events-dropped',
    breaks: 'an event leaves the lane only after it was spilled',
    edits: [drop('unspilled-events-stay')],
  },
  {
    name: 'take-over-without-entries',
    breaks: 'entries that a dead worker did not write are written',
    edits: [
      replace('take-over-completes-entries', ({ object: turn }, other) => {
        const written = other('entries-follow-events').left.replace('this', turn);
        return `${written} = ${turn}.log.entriesSoFar.length;`;
      }),
    ],
  },
  {
    name: 'event-lost-on-error',
    breaks: 'an event is left out only if the store never takes it',
    edits: [drop('refused-events-are-left-out')],
  },
  {
    name: 'entry-lost-on-error',
    breaks: 'an entry is left out only if the store never takes it',
    edits: [drop('refused-entry-is-left-out')],
  },
  {
    name: 'lost-turn-goes-on',
    breaks: 'a turn that cannot be given up is abandoned',
    edits: [drop('lost-turn-ends')],
  },
  {
    name: 'entries-not-counted',
    breaks: 'the numbers of entries of a turn whose events are lost are not used again',
    edits: [replace('lane-counts-entries', 'undefined')],
  },
  {
    name: 'turn-with-a-hole-goes-on',
    breaks: 'a turn of which an event is missing is abandoned',
    edits: [replace('turn-with-a-hole-is-lost', ({ consequent }) => consequent)],
    approvals: true,
  },
  {
    name: 'turn-that-cannot-begin-goes-on',
    breaks: 'a turn that cannot begin rejects its messages',
    edits: [replace('turn-that-cannot-begin-ends', () => 'false')],
  },
  {
    name: 'job-without-place',
    breaks: 'a slot has its place before its job is sent',
    edits: [drop('place-taken-before-job')],
  },
  {
    name: 'places-without-limit',
    breaks: 'there are no more places than the limit says',
    edits: [drop('turns-in-flight-have-room')],
  },
  {
    name: 'place-of-ended-turn-kept',
    breaks: 'a turn that ends gives its place back',
    edits: [drop('ended-turn-leaves-its-place')],
  },
  {
    name: 'place-of-retired-slot-kept',
    breaks: 'a slot that is over gives its place back, also if no turn ran in it',
    edits: [drop('retired-slot-leaves-its-place')],
  },
  {
    name: 'place-of-rejected-slot-kept',
    breaks: 'a slot that is rejected gives its place back',
    edits: [drop('rejected-slot-leaves-its-place')],
  },
  {
    name: 'place-of-deleted-turn-kept',
    breaks: 'the slots of a deleted session give their places back',
    edits: [drop('deleted-turn-leaves-its-place')],
  },
  {
    name: 'place-of-a-dead-function-kept',
    breaks: 'a place that a dead function left is given back by whoever needs one',
    edits: [drop('place-of-a-dead-function-is-given-back')],
  },
];
