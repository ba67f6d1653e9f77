import type { Mutant } from './mutant.ts';

/** Sessions that are deleted, and their lists. */
export const DELETION: readonly Mutant[] = [
  {
    name: 'tells-once-or-never',
    breaks: 'a client that could not be told that its session was deleted is told again',
    approvals: true,
    patches: [
      ['core/session/deletion.ts', 'if (!areTold && !isLast) return', 'if (!areTold && until < 0) return'],
    ],
  },
  {
    name: 'forgets-where-it-answered',
    breaks: 'a known answer is found from its session as long as a dying worker may still put it',
    patches: [
      [
        'core/session/deletion.ts',
        'const isLast = core.clock.now() >= at + LAST_WRITE_MS;',
        'const isLast = until > 0;',
      ],
    ],
  },
  {
    name: 'removed-once',
    breaks: 'a deleted session is removed again when nobody can write for it any more',
    patches: [
      [
        'core/session/deletion.ts',
        'await core.queues.sendDeletion({ session, at, until: at + LAST_WRITE_MS }, MAX_DELAY_SECONDS);',
        '',
      ],
    ],
  },
  {
    name: 'lanes-left-open',
    breaks: 'every lane of a deleted session is closed before that is answered',
    patches: [
      ['core/session/deletion.ts', 'if (buried) await closeSession(core, session, buried, by);', 'void by;'],
    ],
  },
  {
    name: 'deleted-without-last-words',
    breaks: 'a turn that runs ends when its session is deleted',
    patches: [
      [
        'core/session/deletion.ts',
        'const end = await terminalEventOf(core, lane);',
        'const end = undefined as TurnEvent | undefined;',
      ],
    ],
  },
  {
    name: 'pending-go-unsaid',
    breaks: 'what pends in a deleted session is withdrawn, and its sender told',
    patches: [
      [
        'core/store/lane/close.ts',
        "        set<Lane>(['undelivered', id], undeliveredOutcome(message, 'SESSION_DELETED')),\n      ),\n",
        '[] as never),\n',
      ],
    ],
  },
  {
    name: 'alive-again',
    breaks: 'a deleted session lets nobody in',
    patches: [
      [
        'core/store/session-writes.ts',
        "const alive = absent<Session>('deleted');",
        "const alive = exists<Session>('principal');",
      ],
    ],
  },
  {
    name: 'listeners-go-unsaid',
    breaks: 'whoever listens to a session is told that it is deleted',
    patches: [['core/session/deletion.ts', 'if (lane.connection !== by && ', 'if (by === lane.session && ']],
  },
  {
    name: 'listed-for-a-day',
    breaks: 'a session is in its list for as long as it is there',
    patches: [['core/core.ts', 'listing: session + 30 * DAY,', 'listing: now + DAY,']],
  },
  {
    name: 'closed-as-it-was',
    breaks: 'a lane is closed as it was read: what a worker commits meanwhile is not lost',
    patches: [
      [
        'core/store/lane/close.ts',
        "      equals('seq', lane.seq),\n      ...messagesAsRead(lane),\n      ...Object.keys(lane.waiting)",
        '      ...messagesAsRead(lane),\n      ...Object.keys(lane.waiting)',
      ],
    ],
  },
];
