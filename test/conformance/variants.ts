import { drop, type Edit, replace } from '../mutation/edits.ts';

/**
 * A server with a single fault, built from the edited source of this one. The kit must fail it by exactly the rules in
 * `fails`.
 */
export interface Variant {
  name: string;
  /** The rule of the protocol that no longer holds. */
  breaks: string;
  edits: readonly Edit[];
  /** Further source files, by their paths. */
  files?: Readonly<Record<string, string>>;
  /** The kit's rules to run: some that the fault concerns, and some that it does not. */
  rules: readonly string[];
  /** The rules that must fail, in the kit's order. */
  fails: readonly string[];
}

const ABORT_AT_DISCONNECT = `
import type { Core } from '../core.ts';
import { viewSession } from '../session/sessions.ts';
import { laneKey } from '../store/keys.ts';
import { requestAbort } from '../store/lane/request.ts';

export async function abortAtDisconnect(core: Pick<Core, 'store'>, session: Parameters<typeof viewSession>[1]): Promise<void> {
  const { laneId, lane } = await viewSession(core, session);
  if (laneId === undefined || lane?.turn === undefined) return;
  const request = requestAbort({ turn: lane.turn, pending: 'keep', by: 'nobody' });
  await core.store.update(laneKey(session, laneId), request);
}
`;

export const VARIANTS: readonly Variant[] = [
  {
    name: 'frame-before-session-start',
    breaks: '`session_start` comes first',
    edits: [
      replace(
        'session-start-first',
        ({ text, callee, args: [core, id] }) =>
          `${callee}(${core}, ${id}, { type: 'connected', message: 'Hello.' }).then(() => ${text})`,
      ),
    ],
    rules: ['handshake-session-start-first', 'handshake-connected', 'handshake-subprotocol'],
    fails: ['handshake-session-start-first', 'handshake-connected'],
  },
  {
    name: 'one-session-for-all-principals',
    breaks: 'a session belongs to its principal',
    edits: [
      replace('session-belongs-to-principal', ({ text, object }) => text.replace(object, "['everyone']")),
    ],
    rules: ['handshake-isolated', 'handshake-token-refused'],
    fails: ['handshake-isolated'],
  },
  {
    name: 'parts-become-text',
    breaks: 'content is stored as it was sent',
    edits: [replace('content-kept-as-sent', ({ text }) => `JSON.stringify(${text})`)],
    rules: ['history-parts', 'order-full-response'],
    fails: ['history-parts'],
  },
  {
    name: 'chunk-offset-of-call',
    breaks: 'the offset of a chunk counts from the start of the turn',
    edits: [replace('chunk-offset-in-turn', '0')],
    rules: ['order-full-response'],
    fails: ['always-offsets'],
  },
  {
    name: 'full-response-not-the-text',
    breaks: '`full_response` is the text of all chunks',
    edits: [replace('full-response-is-the-text', ({ text }) => `${text}?.slice(1)`)],
    rules: ['order-of-a-turn', 'order-full-response'],
    fails: ['order-full-response', 'always-full-response'],
  },
  {
    name: 'newest-steering-first',
    breaks: 'steering is applied in order of arrival',
    edits: [replace('steering-in-order-of-client', ({ left, right }) => `${right} - ${left}`)],
    rules: ['steering-order'],
    fails: ['steering-order'],
  },
  {
    name: 'steering-only-after-answer',
    breaks: 'steering is applied before every model call',
    edits: [
      replace('steering-before-every-call', ({ text, left }) =>
        [text, left.replace('.pending', '.isAnswered')].join(' && '),
      ),
    ],
    rules: ['steering-after-tools'],
    fails: ['steering-after-tools'],
  },
  {
    name: 'error-disconnects',
    breaks: 'an invalid frame leaves the connection open',
    edits: [
      replace(
        'invalid-frame-keeps-connection',
        ({ text, args: [core, id] }) => `${text}\nawait ${core}.gateway.disconnect(${id});`,
      ),
    ],
    rules: ['codes-invalid-json', 'codes-unknown-type', 'codes-empty-content'],
    fails: ['codes-invalid-json', 'codes-unknown-type'],
  },
  {
    name: 'refused-but-accepted',
    breaks: 'a refused message is never stored',
    edits: [drop('refused-message-not-stored')],
    rules: ['codes-refused-is-nothing', 'codes-invalid-frame'],
    fails: ['codes-refused-is-nothing'],
  },
  {
    name: 'inbox-without-limit',
    breaks: 'an inbox takes no more than its limit',
    edits: [drop('inbox-has-room')],
    rules: ['codes-steering-queue-full', 'codes-message-too-large'],
    fails: ['codes-steering-queue-full'],
  },
  {
    name: 'resume-with-gap',
    breaks: 'each event after `after_seq` is replayed',
    edits: [replace('replay-is-complete', ({ text }) => `${text}.slice(1)`)],
    rules: ['resume-after-done', 'resume-foreign-lane'],
    fails: ['resume-after-done'],
  },
  {
    name: 'live-before-replay',
    breaks: 'the replay comes before live events',
    edits: [
      replace(
        'replay-before-live',
        // Longer than any pause between two chunks: live events come first.
        ({ text }) => `(setTimeout(async () => ${text}, 5_000), undefined)`,
      ),
    ],
    rules: ['resume-while-streaming'],
    fails: ['resume-while-streaming'],
  },
  {
    name: 'lane-not-adopted',
    breaks: 'a client that connects again can continue its old lane',
    edits: [drop('returning-client-keeps-lane')],
    rules: ['resume-lane-steers', 'resume-foreign-lane'],
    fails: ['resume-lane-steers'],
  },
  {
    name: 'disconnect-aborts',
    breaks: 'a turn runs on when its client disconnects',
    edits: [
      replace('disconnect-stops-no-turn', ({ text, args: [core, session] }) =>
        [
          text,
          `await (await import('./abort-at-disconnect.ts')).abortAtDisconnect(${core}, ${session});`,
        ].join('\n'),
      ),
    ],
    files: { 'core/inbound/abort-at-disconnect.ts': ABORT_AT_DISCONNECT },
    rules: ['resume-disconnect-is-no-cancel'],
    fails: ['resume-disconnect-is-no-cancel'],
  },
  {
    name: 'repeat-is-a-second-entry',
    breaks: 'a message id is known after its turn',
    edits: [
      replace('known-outcome-answers-repeat', ({ text }) => `(${text}, undefined)`),
      drop('id-not-in-turn'),
      drop('id-not-in-previous-turn'),
      replace('known-outcome-not-applied-again', 'undefined'),
    ],
    rules: ['idempotency-after-done'],
    fails: ['idempotency-after-done'],
  },
  {
    name: 'abort-loses-text',
    breaks: 'streamed text stays in the transcript when the turn is aborted',
    edits: [
      replace('every-end-keeps-text', ({ text }, other) => {
        const event = other('every-event-type-is-handled').expression;
        return `if (${event}.type !== 'aborted') ${text}`;
      }),
    ],
    rules: ['abort-keeps-what-was-said', 'abort-names-its-turn'],
    fails: ['abort-keeps-what-was-said'],
  },
  {
    name: 'cancelled-but-applied',
    breaks: 'a message that is answered `cancelled` is in no turn',
    edits: [drop('withdrawn-message-leaves-lane'), replace('known-outcome-not-applied-again', 'undefined')],
    rules: ['cancel-steering'],
    fails: ['cancel-steering'],
  },
];
