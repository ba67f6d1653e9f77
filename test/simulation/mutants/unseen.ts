import { LATE_DUPLICATES, type Mutant } from './mutant.ts';

/**
 * Rules that no history can show to be needed, since what they insure against is not among the faults: a queue that
 * loses a message. A token is deleted only when its slot is over, so a slot that runs under another's token still has
 * its own; one more costs next to nothing. And what another rule catches after them: a message that is accepted a second
 * time is known at the take-in by its outcome, so that its coming back need not be from where it was looked for. `npm run sim -- --mutants --only <name> --count 200000` looks further.
 */
export const UNSEEN: readonly Mutant[] = [
  {
    name: 'comes-back-from-anywhere',
    breaks: 'a message comes back from where it was looked for',
    crowd: true,
    faults: LATE_DUPLICATES,
    patches: [
      [
        'core/store/lane/forward.ts',
        "[...acceptableHere(acceptance), equals(['forwarded', acceptance.id], place)]",
        '[...acceptableHere(acceptance)]',
      ],
    ],
  },
  {
    name: 'no-token-for-a-foreign-slot',
    breaks: 'a slot that is run under another token gets one of its own',
    patches: [
      ['core/turn/worker.ts', 'await core.queues.sendJob({ ...job, lane: laneId, slot }, core.newId());', ''],
    ],
  },
];
