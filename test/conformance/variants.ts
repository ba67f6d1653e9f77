/**
 * Single faults, put into the source that a cloud of its own is built from. The kit must fail each, by the rules that are
 * named, and by no other of those that were run with it.
 */
export interface Variant {
  name: string;
  /** What is no longer true. */
  breaks: string;
  patches: readonly (readonly [file: string, find: string, replace: string])[];
  /** Rules that are run: those that the fault concerns, and some that it does not. */
  rules: readonly string[];
  /** Those of them that fail, in the order of the kit. */
  fails: readonly string[];
}

export const VARIANTS: readonly Variant[] = [
  {
    name: 'something-before-the-greeting',
    breaks: '`session_start` comes first',
    patches: [
      [
        'core/inbound/open-connection.ts',
        '  await reply(core, id, frame);\n  return frame.last_seq;',
        "  await reply(core, id, { type: 'connected', message: 'Hello.' });\n  await reply(core, id, frame);\n  return frame.last_seq;",
      ],
    ],
    rules: ['handshake-session-start-first', 'handshake-connected', 'handshake-subprotocol'],
    fails: ['handshake-session-start-first', 'handshake-connected'],
  },
  {
    name: 'one-session-for-all-principals',
    breaks: 'a session belongs to its principal',
    patches: [
      [
        'core/store/keys.ts',
        '[tenant, subject].map(encodeURIComponent)',
        "['everyone'].map(encodeURIComponent)",
      ],
    ],
    rules: ['handshake-isolated', 'handshake-token-refused'],
    fails: ['handshake-isolated'],
  },
  {
    name: 'parts-become-text',
    breaks: 'content is kept as it was sent',
    patches: [
      ['core/inbound/message.ts', '  content: frame.content,', '  content: JSON.stringify(frame.content),'],
    ],
    rules: ['history-parts', 'order-full-response'],
    fails: ['history-parts'],
  },
  {
    name: 'offset-of-the-call',
    breaks: 'a chunk says where in the turn it stands',
    patches: [['core/turn/model-call.ts', 'gathered.drain(turn.textLength)', 'gathered.drain(0)']],
    rules: ['order-full-response'],
    fails: ['always-offsets'],
  },
  {
    name: 'full-response-of-its-own',
    breaks: '`full_response` is the chunks put together',
    patches: [
      [
        'core/events/stored-event.ts',
        '...fullResponse(turnText()),\n      ...facts,',
        '...fullResponse(turnText()?.slice(1)),\n      ...facts,',
      ],
    ],
    rules: ['order-of-a-turn', 'order-full-response'],
    fails: ['order-full-response', 'always-full-response'],
  },
  {
    name: 'newest-steering-first',
    breaks: 'steering is taken in in order of arrival',
    patches: [['core/arrival.ts', '(a.order ?? 0) - (b.order ?? 0)', '(b.order ?? 0) - (a.order ?? 0)']],
    rules: ['steering-order'],
    fails: ['steering-order'],
  },
  {
    name: 'steering-after-the-answer-alone',
    breaks: 'steering is taken in before every model call',
    patches: [
      [
        'core/turn/next-step.ts',
        "if (state.pending > 0) return { type: 'apply-inbox' };",
        "if (state.pending > 0 && state.isAnswered) return { type: 'apply-inbox' };",
      ],
    ],
    rules: ['steering-after-tools'],
    fails: ['steering-after-tools'],
  },
  {
    name: 'error-hangs-up',
    breaks: 'a frame in error leaves the connection open',
    patches: [
      [
        'core/inbound/dispatch.ts',
        '    await reply(core, connectionId, parsed.error);\n',
        '    await reply(core, connectionId, parsed.error);\n    await core.gateway.disconnect(connectionId);\n',
      ],
    ],
    rules: ['codes-invalid-json', 'codes-unknown-type', 'codes-empty-content'],
    fails: ['codes-invalid-json', 'codes-unknown-type'],
  },
  {
    name: 'refused-and-taken-all-the-same',
    breaks: 'what is refused is never stored',
    patches: [
      [
        'core/inbound/message.ts',
        '    await reply(core, sender.id, refusal);\n    return;\n',
        '    await reply(core, sender.id, refusal);\n',
      ],
    ],
    rules: ['codes-refused-is-nothing', 'codes-invalid-frame'],
    fails: ['codes-refused-is-nothing'],
  },
  {
    name: 'inbox-without-limit',
    breaks: 'an inbox takes no more than its limit',
    patches: [['core/store/lane/accept.ts', "  sizeBelow('inbox', limits.inboxMessages),\n", '']],
    rules: ['codes-steering-queue-full', 'codes-message-too-large'],
    fails: ['codes-steering-queue-full'],
  },
  {
    name: 'resume-with-a-hole',
    breaks: 'each event after `after_seq` is replayed',
    patches: [
      ['core/inbound/replay.ts', 'for (const event of events) {', 'for (const event of events.slice(1)) {'],
    ],
    rules: ['resume-after-done', 'resume-foreign-lane'],
    fails: ['resume-after-done'],
  },
  {
    name: 'live-before-replay',
    breaks: 'the replay comes first, and then what is live',
    patches: [
      [
        'core/inbound/replay.ts',
        'await joinSession(core, session, id, CATCHING_UP);',
        'await joinSession(core, session, id, LIVE);\n  await core.clock.sleep(500);',
      ],
    ],
    rules: ['resume-while-streaming'],
    fails: ['resume-while-streaming', 'always-seq'],
  },
  {
    name: 'lane-is-not-given-back',
    breaks: 'a client that comes back can take its old lane along',
    patches: [['core/inbound/open-connection.ts', 'if (adopted.ok) settled', 'if (false) settled']],
    rules: ['resume-lane-steers', 'resume-foreign-lane'],
    fails: ['resume-lane-steers'],
  },
  {
    name: 'disconnect-cancels',
    breaks: 'a turn runs on when its client drops',
    patches: [
      [
        'core/inbound/connection-lifecycle.ts',
        "import { stopListening } from '../store/lane/connection.ts';",
        "import { stopListening } from '../store/lane/connection.ts';\nimport { requestAbort } from '../store/lane/request.ts';",
      ],
      [
        'core/inbound/connection-lifecycle.ts',
        'const { laneId } = await viewSession(core, connection.session);',
        "const { laneId, lane } = await viewSession(core, connection.session);\n  if (laneId && lane?.turn) await core.store.update(laneKey(connection.session, laneId), requestAbort({ turn: lane.turn, pending: 'keep', by: 'nobody' }));",
      ],
    ],
    rules: ['resume-disconnect-is-no-cancel'],
    fails: ['resume-disconnect-is-no-cancel'],
  },
  {
    name: 'repeat-is-a-second-entry',
    breaks: 'a message id is known again after its turn',
    patches: [
      [
        'core/inbound/message.ts',
        'frame.id === undefined ? undefined : await core.store.get(messageKey(session, id))',
        'frame.id === undefined ? undefined : (await core.store.get(messageKey(session, id)), undefined)',
      ],
      ['core/store/lane/accept.ts', "  absent(['ids', id]),\n  absent(['previousIds', id]),\n", ''],
      [
        'core/turn/apply.ts',
        'outcomes.set(id, await core.store.get(messageKey(session, id)));',
        'outcomes.set(id, undefined);',
      ],
    ],
    rules: ['idempotency-after-done'],
    fails: ['idempotency-after-done'],
  },
  {
    name: 'abort-loses-text',
    breaks: 'what was said stays, also when the turn is aborted',
    patches: [
      [
        'core/events/entries.ts',
        "case 'aborted':\n      case 'error':\n        close();",
        "case 'error':\n        close();\n        break;\n      case 'aborted':",
      ],
    ],
    rules: ['abort-keeps-what-was-said', 'abort-names-its-turn'],
    fails: ['abort-keeps-what-was-said'],
  },
  {
    name: 'cancelled-and-taken-in',
    breaks: 'what is answered `cancelled` is in no turn',
    patches: [
      [
        'core/store/lane/withdraw.ts',
        'exists([place, id])],\n  change: [\n    remove([place, id]),\n',
        'exists([place, id])],\n  change: [\n',
      ],
      [
        'core/turn/apply.ts',
        'outcomes.set(id, await core.store.get(messageKey(session, id)));',
        'outcomes.set(id, undefined);',
      ],
    ],
    rules: ['cancel-steering'],
    fails: ['cancel-steering'],
  },
];
