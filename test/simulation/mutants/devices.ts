import type { Mutant } from './mutant.ts';

/** Several devices of one session: who sees what, and who steers whom. */
export const DEVICES: readonly Mutant[] = [
  {
    name: 'audience-of-the-lane-alone',
    breaks: 'listeners of the session are heard at every start',
    patches: [['core/turn/leased-turn.ts', 'broadcast.join(where.sessionItem.audience);', '']],
  },
  {
    name: 'joins-the-session-alone',
    breaks: 'a joiner listens on the active lane too',
    patches: [
      [
        'core/session/sessions.ts',
        'active && (await core.store.update(laneKey(key, active.lane), listen(connection, how)))',
        'active && (await core.store.update(laneKey(key, active.lane), { when: listen(connection, how).when, change: [] }))',
      ],
    ],
  },
  {
    name: 'nothing-between-start-and-join',
    breaks: 'what is committed between session_start and listening is replayed',
    patches: [
      [
        'core/inbound/open-connection.ts',
        'await sendMissed(core, id, session, wish.after ?? told);',
        'if (wish.after !== undefined) await sendMissed(core, id, session, wish.after);',
      ],
    ],
  },
  {
    name: 'replay-beside-live',
    breaks: 'replay and live events are not mixed',
    patches: [
      [
        'core/inbound/replay.ts',
        'await joinSession(core, session, id, CATCHING_UP)',
        'await joinSession(core, session, id, LIVE)',
      ],
    ],
  },
  {
    name: 'listens-before-it-is-told',
    breaks:
      'a client that asks for nothing is given what was committed since its greeting, before live events',
    patches: [
      [
        'core/inbound/open-connection.ts',
        'await sendMissed(core, id, session, wish.after ?? told);',
        'await joinSession(core, session, id, LIVE);\n  await sendMissed(core, id, session, wish.after ?? told);',
      ],
    ],
  },
  {
    name: 'abort-of-any-turn',
    breaks: 'an abort names its turn',
    patches: [
      [
        'core/store/lane/request.ts',
        "when: [equals('turn', request.turn), exists('lease')]",
        "when: [exists('lease')]",
      ],
      [
        'core/turn/leased-turn.ts',
        'return this.lane.cancel?.turn === this.id ? this.lane.cancel : undefined;',
        'return this.lane.cancel;',
      ],
    ],
  },
  {
    name: 'lane-made-anew',
    breaks: 'a late duplicate of $connect empties no lane',
    patches: [
      [
        'core/session/sessions.ts',
        'core.store.putIfAbsent(laneKey(session, lane)',
        'core.store.put(laneKey(session, lane)',
      ],
    ],
  },
  {
    name: 'steers-whatever-comes',
    breaks: 'a message from elsewhere can only steer the turn that was seen',
    crowd: true,
    patches: [
      [
        'core/store/lane/forward.ts',
        "[...acceptable(acceptance), equals('turn', turn), exists('lease')]",
        'acceptable(acceptance)',
      ],
    ],
  },
  {
    name: 'sets-out-unnoted',
    breaks: 'a message that sets out is noted on its own lane first',
    crowd: true,
    patches: [
      [
        'core/inbound/forward.ts',
        'const written = await core.store.update(\n    laneKey(acceptance.session, ownId),\n    forwardMessage(acceptance, place, own.lastOrder),\n  );',
        'const written = { ok: forwardMessage(acceptance, place, own.lastOrder) !== undefined };',
      ],
    ],
  },
  {
    name: 'accepted-here-and-there',
    breaks: 'a message that set out is not accepted on its own lane as well',
    crowd: true,
    patches: [
      [
        'core/store/lane/accept.ts',
        "  ...acceptableHere(acceptance),\n  absent(['forwarded', acceptance.id]),",
        '  ...acceptableHere(acceptance),',
      ],
    ],
  },
  {
    name: 'comes-back-too-early',
    breaks: 'a message comes back only when it can no longer arrive where it set out to',
    crowd: true,
    patches: [
      [
        'core/session/forwarded.ts',
        "{ is: 'under way' } : { is: 'nowhere' }",
        "{ is: 'nowhere' } : { is: 'nowhere' }",
      ],
    ],
  },
  {
    name: 'notice-to-the-lane-alone',
    breaks: 'the outcome of a message that steered another lane is told to its sender',
    crowd: true,
    patches: [
      [
        'core/session/outcomes.ts',
        'from === undefined ? lane : await core.store.get(laneKey(lane.session, from))',
        'lane',
      ],
    ],
  },
  {
    name: 'looked-after-too-shortly',
    breaks: 'a message that set out is looked after until its sender heard of it',
    crowd: true,
    patches: [
      [
        'core/session/outcomes.ts',
        'if (from !== undefined && place !== undefined && heard)',
        'if (from !== undefined && place !== undefined)',
      ],
    ],
  },
  {
    name: 'heard-by-anyone',
    breaks: 'a notice is forgotten when its sender heard it, not when somebody else did',
    crowd: true,
    patches: [
      ['core/session/outcomes.ts', 'if (connection === home?.connection) heard = sent;', 'heard ||= sent;'],
    ],
  },
  {
    name: 'forgotten-while-pending',
    breaks: 'a message that set out is looked after until its outcome is known',
    crowd: true,
    patches: [
      [
        'core/inbound/forward.ts',
        "else if (found.is === 'settled' || found.is === 'nowhere') gone[id] = text;",
        'else gone[id] = text;',
      ],
    ],
  },
  {
    name: 'not-looked-after',
    breaks: 'who was away hears what became of messages that had set out',
    crowd: true,
    patches: [['core/inbound/repair.ts', '  await settleForwarded(core, laneId, lane);\n', '']],
  },
  {
    name: 'cancel-on-the-own-lane-alone',
    breaks: 'a message is withdrawn from any connection of its session',
    crowd: true,
    patches: [['core/inbound/cancel.ts', '    if (seen.has(laneId)) continue;', '    continue;']],
  },
  {
    name: 'discards-what-was-not-read',
    breaks: 'an abort discards what waits as it was read',
    patches: [['core/store/lane/end.ts', "      sizeIs('waiting', waiting.length),\n", '']],
  },
];
