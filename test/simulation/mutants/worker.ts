import { LATE_DUPLICATES, type Mutant } from './mutant.ts';

/** Who may write for a lane, and what becomes of slots and their tokens. */
export const WORKER: readonly Mutant[] = [
  {
    name: 'post-before-commit',
    breaks: 'an event is durable before it is posted',
    patches: [
      [
        'core/turn/leased-turn.ts',
        '    const committed = await',
        '    await this.#post(events);\n    const committed = await',
      ],
    ],
  },
  {
    name: 'commit-without-hold',
    breaks: 'a commit demands that the lane is mine',
    patches: [
      ['core/store/lane/commit.ts', "equals('lease', lease), equals('seq', from)", "equals('seq', from)"],
    ],
  },
  {
    name: 'commit-without-seq',
    breaks: 'a commit demands the seq that it extends',
    patches: [
      ['core/store/lane/commit.ts', "equals('lease', lease), equals('seq', from)", "equals('lease', lease)"],
    ],
  },
  {
    name: 'shared-holder',
    breaks: 'the value that holds a lane is new with each claim',
    patches: [['core/turn/lease.ts', 'const id = core.newId();', "const id = 'worker';"]],
  },
  {
    name: 'mark-of-the-holder',
    breaks: 'the mark of a commit is new with each commit',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: source text
    patches: [['core/turn/lease.ts', '`${this.#id}:${++this.#commits}`', '`${this.#id}`']],
  },
  {
    name: 'claim-without-slot',
    breaks: 'the claim demands that the slot is the current one of its lane',
    patches: [
      [
        'core/store/lane/commit.ts',
        "when: [equals('slot', slot), equals('seq', seq)],",
        "when: [equals('seq', seq)],",
      ],
    ],
  },
  {
    name: 'activate-without-check',
    breaks: 'another active slot is run to its end first',
    patches: [
      [
        'core/store/session-writes.ts',
        "[exists('queue'), alive, any(absent('active'), equals(['active', 'slot'], slot))]",
        "[exists('queue'), alive]",
      ],
    ],
  },
  {
    name: 'active-while-it-waits',
    breaks: 'what waits behind its own lane’s turn is not the active slot',
    patches: [['core/turn/worker.ts', 'await core.store.update(sessionKey(session), deactivate(slot));', '']],
  },
  {
    name: 'follow-up-in-a-slot-of-its-own',
    breaks: 'what an aborted turn left runs in the same slot, under the same token',
    patches: [
      ['core/store/lane/end.ts', "set('turn', followUp),", "set('turn', followUp), set('slot', followUp),"],
    ],
  },
  {
    name: 'token-not-unique',
    breaks: 'the deduplication id is unique per sender',
    patches: [
      [
        'core/session/slots.ts',
        'admitSlot(core, job),\n    core.queues.sendJob(job, core.newId()),',
        "admitSlot(core, job),\n    core.queues.sendJob(job, 'sender'),",
      ],
    ],
  },
  {
    name: 'token-deleted-too-early',
    breaks: 'a token is deleted only when its slot is over',
    patches: [['core/turn/worker.ts', '!hasWorkFor(lane, slot)', 'lane.slot !== slot']],
  },
  {
    name: 'fenced-reports-success',
    breaks: 'a fenced worker reports failure',
    patches: [['core/turn/worker.ts', "return 'fenced';\n  } finally", "return 'over';\n  } finally"]],
  },
  {
    name: 'hand-over-reports-success',
    breaks: 'a turn that is handed over keeps its token',
    patches: [
      ['core/turn/worker.ts', '      await turn.handOver();\n      return end;', "      return 'over';"],
    ],
  },
  {
    name: 'no-pruning',
    breaks: 'slots that their lanes no longer hold make room',
    patches: [
      [
        'core/session/slots.ts',
        "return (await pruneQueue(core, session, read)) ? undefined : 'SESSION_QUEUE_FULL';",
        "return 'SESSION_QUEUE_FULL';",
      ],
    ],
  },
  {
    name: 'roll-without-spill',
    breaks: 'a slot is rolled only after its tail is in EVENTS',
    patches: [['core/turn/worker.ts', '  await turn.spill();\n  // They are posted', '  // They are posted']],
  },
  {
    name: 'roll-over-without-spill',
    breaks: 'so it is when another rolls it',
    patches: [['core/session/retire.ts', 'await spillEvents(core, session, left);', '']],
  },
  {
    name: 'roll-over-without-fates',
    breaks: 'so are its withdrawn messages’ outcomes told',
    faults: { pause: 0.03 },
    crowd: true,
    patches: [['core/session/retire.ts', '    await reportOutcomes(core, laneId, lane);\n', '']],
  },
  {
    name: 'revived-turn-goes-on',
    breaks: 'a turn that a late request revived gets a new id',
    faults: { ghost: 0.3 },
    crowd: true,
    patches: [['core/turn/leased-turn.ts', ' || (!this.hasBegun && isOld && !this.#isRenewed)', '']],
  },
  {
    name: 'roll-over-without-posts',
    breaks: 'what may not have been posted is posted again',
    patches: [
      [
        'core/session/retire.ts',
        'await broadcast.send(await Promise.all(left.map((event) => storedFrame(core, session, event, stored))));',
        '',
      ],
    ],
  },
  {
    name: 'roll-of-another',
    breaks: 'a roll demands that the slot is the active one',
    faults: LATE_DUPLICATES,
    patches: [
      [
        'core/store/session-writes.ts',
        "when: [equals(['active', 'slot'], slot), equals('seq', read.seq)]",
        "when: [equals('seq', read.seq)]",
      ],
    ],
  },
  {
    name: 'spill-under-the-first-seq',
    breaks: 'EVENTS items are keyed by their last seq',
    patches: [
      ['core/events/journal.ts', '    last = event.seq;', '    if (batch.length === 1) last = event.seq;'],
    ],
  },
  {
    name: 'tail-cleared-unspilled',
    breaks: 'an event leaves the tail only after it was spilled',
    patches: [['core/turn/leased-turn.ts', '[...this.#unspilled(), ...events]', '[...events]']],
  },
  {
    name: 'take-over-without-entries',
    breaks: 'entries that a dead worker did not write are written',
    patches: [
      [
        'core/turn/leased-turn.ts',
        '    await turn.writeEntries();\n    const unposted',
        '    turn.#entriesWritten = turn.log.entriesSoFar.length;\n    const unposted',
      ],
    ],
  },
];
