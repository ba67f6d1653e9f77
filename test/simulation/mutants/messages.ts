import { LATE_DUPLICATES, type Mutant } from './mutant.ts';

/** Messages from their acceptance to their place in the transcript, or to their refusal. */
export const MESSAGES: readonly Mutant[] = [
  {
    name: 'a-part-of-a-message-lost',
    breaks: 'content is taken in as it was sent, part for part',
    patches: [
      [
        'core/turn/apply.ts',
        '({ id, content, at }) => ({ id, content, at })',
        "({ id, content, at }) => ({ id, content: typeof content === 'string' ? content : content.slice(-1), at })",
      ],
    ],
  },
  {
    name: 'take-in-without-demand',
    breaks: 'a message that is taken in must still be there',
    patches: [['core/store/lane/apply.ts', "when: ids.map((id) => exists(['inbox', id])),", 'when: [],']],
  },
  {
    name: 'finish-on-full-inbox',
    breaks: 'a turn ends only on an empty inbox',
    patches: [['core/store/lane/end.ts', "when: [sizeIs('inbox', 0), ", 'when: [']],
  },
  {
    name: 'finish-without-waiting',
    breaks: 'a turn ends with the waiting head as it was read',
    patches: [['core/store/lane/after-turn.ts', "when: [sizeIs('waiting', 0)],", 'when: [],']],
  },
  {
    name: 'drop-a-claimed-turn',
    breaks: 'a refusal demands that no worker holds the turn',
    patches: [
      [
        'core/store/lane/withdraw.ts',
        "      absent('lease'),\n      ...messagesAsRead(lane),",
        '      ...messagesAsRead(lane),',
      ],
    ],
  },
  {
    name: 'drop-not-as-read',
    breaks: 'a refusal demands the inbox as it was read',
    patches: [
      [
        'core/store/lane/withdraw.ts',
        "      absent('lease'),\n      ...messagesAsRead(lane),",
        "      absent('lease'),",
      ],
    ],
  },
  {
    name: 'no-notice',
    breaks: 'the outcome of a withdrawn message stays until it was told',
    patches: [
      [
        'core/store/lane/withdraw.ts',
        "    add('bytes', -contentBytes(message)),\n    set(['undelivered', id], undeliveredOutcome(message, 'cancelled')),",
        "    add('bytes', -contentBytes(message)),",
      ],
    ],
  },
  {
    name: 'fate-not-read-before-accept',
    breaks: 'a message whose outcome is known is answered so',
    patches: [
      [
        'core/inbound/message.ts',
        'frame.id === undefined ? undefined : await core.store.get(messageKey(session, id))',
        'frame.id === undefined ? undefined : (await core.store.get(messageKey(session, id)), undefined)',
      ],
    ],
  },
  {
    name: 'fate-not-read-at-take-in',
    breaks: 'a message that came back late is known at the take-in',
    patches: [
      [
        'core/turn/apply.ts',
        'outcomes.set(id, await core.store.get(messageKey(session, id)));',
        'outcomes.set(id, undefined);',
      ],
    ],
  },
  {
    name: 'fate-by-own-notion',
    breaks: 'what a client is told is what MESSAGE says',
    patches: [
      ['core/session/outcomes.ts', 'return (await core.store.get(key)) ?? outcome;', 'return outcome;'],
    ],
  },
  {
    name: 'fate-never-taken',
    breaks: 'a message that was taken in is known as such for a day',
    patches: [
      [
        'core/events/journal.ts',
        "if (entry.role === 'user') {",
        "if (entry.role === 'user' && entry.n < 0) {",
      ],
    ],
  },
  {
    name: 'no-previous-ids',
    breaks: 'a lane remembers the ids of its previous turn',
    faults: LATE_DUPLICATES,
    patches: [['core/store/lane/after-turn.ts', "set('previousIds', lane.ids)", "set('previousIds', {})"]],
  },
  {
    name: 'acknowledge-without-opening',
    breaks: 'whoever acknowledges on an unclaimed turn opens it',
    patches: [
      [
        'core/inbound/acknowledge.ts',
        'if (slot !== undefined) {',
        "if (slot !== undefined && !duplicate && landed.placement !== 'steering') {",
      ],
    ],
  },
];
