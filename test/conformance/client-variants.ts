import type { TextEdit } from './client-subject.ts';

/** This client with one fault. The kit must fail it by the cases in `fails`, and pass it by those in `passes`. */
export interface ClientVariant {
  name: string;
  breaks: string;
  edits: readonly TextEdit[];
  fails: readonly string[];
  passes: readonly string[];
}

const edit = (file: string, from: string, to: string): TextEdit => ({ file, from, to });

export const CLIENT_VARIANTS: readonly ClientVariant[] = [
  {
    name: 'repeated-events-count',
    breaks: 'an event is handed on once',
    edits: [
      edit(
        'events.ts',
        'event.seq <= state.cursor) return state;',
        'event.seq <= state.cursor) return { ...applyEvent(state, event), taken: [event] };',
      ),
    ],
    fails: ['order-repeated-events', 'resume-worker-replaced'],
    passes: ['handshake-turn'],
  },
  {
    name: 'holes-do-not-matter',
    breaks: 'nothing is handed on before what comes before it',
    edits: [
      edit(
        'events.ts',
        'event.seq), ahead });',
        'event.seq), ahead, cursor: state.cursor && event.seq - 1 });',
      ),
    ],
    fails: ['order-swapped-events', 'order-hole'],
    passes: ['order-accepted-last'],
  },
  {
    name: 'hole-not-asked-for',
    breaks: 'what is missing is asked for',
    edits: [edit('catch-up.ts', 'return isSilent || (isMissing && this.#resumeAt <= now);', 'return false;')],
    fails: ['order-hole', 'order-hole-twice'],
    passes: ['order-swapped-events', 'resume-expired-events'],
  },
  {
    name: 'unknown-event-not-counted',
    breaks: 'an event of an unknown type counts',
    edits: [
      edit(
        'protocol.ts',
        "if (typeof value.type !== 'string') return false;",
        "if (typeof value.type !== 'string' || value.type.startsWith('x-')) return false;",
      ),
    ],
    fails: ['order-unknown-event'],
    passes: ['order-hole'],
  },
  {
    name: 'lane-left-behind',
    breaks: 'a client that resumes names its lane',
    edits: [edit('session.ts', '{ lane, after_seq: cursor }', '{ after_seq: cursor }')],
    fails: ['resume-cut-after-3', 'message-applied-while-away', 'message-withdrawn-while-away'],
    passes: ['order-hole'],
  },
  {
    name: 'resumes-one-too-far',
    breaks: 'a client resumes after the last event that it has',
    edits: [
      edit('session.ts', 'after_seq: cursor }', 'after_seq: cursor === undefined ? undefined : cursor + 1 }'),
    ],
    fails: ['resume-cut-after-1', 'order-hole', 'resume-cut-in-replay'],
    passes: ['message-steers'],
  },
  {
    name: 'repeat-under-another-id',
    breaks: 'a message is sent again under the same id',
    edits: [
      edit('outbox.ts', "type: 'message',\n      id,", "type: 'message',\n      id: id + performance.now(),"),
    ],
    fails: ['message-unanswered-then-cut', 'message-rate-limited'],
    passes: ['handshake-token'],
  },
  {
    name: 'never-sent-again',
    breaks: 'a message that was not answered is sent again',
    edits: [
      edit(
        'repeats.ts',
        'request.dueAt = now + doubling(REPEAT_AFTER, request.attempts++, REPEAT_AT_MOST);',
        'request.dueAt = NEVER;',
      ),
      edit('repeats.ts', 'startOver(): void {\n    this.#made.clear();', 'startOver(): void {'),
    ],
    fails: [
      'message-unanswered',
      'message-unanswered-then-cut',
      'message-internal-error',
      'handshake-token-expires',
    ],
    passes: ['message-rate-limited', 'handshake-turn'],
  },
  {
    name: 'does-not-wait-for-start',
    breaks: 'a message waits for `session_start`',
    edits: [
      edit(
        'connection.ts',
        'line.opened = true;\n          this.#sendConnect(line);',
        "line.opened = true;\n          this.#sendConnect(line);\n          line.up = true;\n          this.#owner.changed({ status: 'online' });",
      ),
      edit(
        'outbox.ts',
        'const lane = this.#lane;\n    if (lane === undefined) return [];',
        "const lane = this.#lane ?? 'none';",
      ),
    ],
    fails: ['handshake-waits-for-start'],
    passes: ['handshake-odd-token'],
  },
  {
    name: 'order-falls',
    breaks: '`order` rises',
    edits: [edit('outbox.ts', 'order: ++this.#orders', 'order: 100 - ++this.#orders')],
    fails: ['message-ids-and-order', 'message-steers'],
    passes: ['handshake-turn'],
  },
  {
    name: 'rate-limit-is-a-refusal',
    breaks: 'a frame that was refused for its rate is sent again',
    edits: [edit('reduce.ts', "code === 'RATE_LIMITED' ||", '')],
    fails: ['message-rate-limited'],
    passes: ['message-refused'],
  },
  {
    name: 'internal-error-is-a-refusal',
    breaks: 'after `INTERNAL` a message is sent again',
    edits: [edit('reduce.ts', "code === 'INTERNAL' ||", '')],
    fails: ['message-internal-error'],
    passes: ['message-rate-limited'],
  },
  {
    name: 'not-pending-is-a-refusal',
    breaks: '`NOT_PENDING` says nothing against the message',
    edits: [
      edit(
        'reduce.ts',
        "if (frame.code === 'NOT_PENDING')",
        "if (frame.code === ('X' as typeof frame.code))",
      ),
    ],
    fails: ['message-cancelled-too-late'],
    passes: ['message-cancelled'],
  },
  {
    name: 'keeps-the-expired-token',
    breaks: 'a client with an expired token connects with a new one',
    edits: [
      edit(
        'connection.ts',
        "frame.code === 'TOKEN_EXPIRED') line.tokenEndsAt = line.movedAt;",
        "frame.code === 'TOKEN_EXPIRED') line.tokenEndsAt = NEVER;",
      ),
    ],
    fails: ['handshake-token-expires'],
    passes: ['handshake-token'],
  },
  {
    name: 'token-as-it-is',
    breaks: 'a token that no subprotocol can have is encoded',
    edits: [edit('connection.ts', 'HEADER_SAFE.test(token) ?', 'token ?')],
    fails: ['handshake-odd-token'],
    passes: ['handshake-token'],
  },
  {
    name: 'comes-back-at-once',
    breaks: 'a connection that is one too many stays away',
    edits: [edit('connection.ts', 'giveWay(): void {\n    this.#isSurplus = true;', 'giveWay(): void {')],
    fails: ['handshake-too-many-connections'],
    passes: ['handshake-deleted'],
  },
  {
    name: 'runs-tools-of-others',
    breaks: 'a tool runs on the device that is asked',
    edits: [
      edit(
        'events.ts',
        'if (lane !== state.restart?.lane) return begun;',
        'if (lane === undefined) return begun;',
      ),
    ],
    fails: ['turn-tool-of-another-client'],
    passes: ['turn-tool-of-this-client', 'turn-tool-after-resume'],
  },
  {
    name: 'default-limits',
    breaks: 'the limits are those of `session_start`',
    edits: [
      edit(
        'midturn.ts',
        'limits?.content_bytes ?? DEFAULT_CONTENT_BYTES',
        'Math.max(limits?.content_bytes ?? 0, DEFAULT_CONTENT_BYTES)',
      ),
    ],
    fails: ['handshake-limits'],
    passes: ['handshake-turn'],
  },
  {
    name: 'running-turn-not-read',
    breaks: 'a client without any memory reads the running turn from its first event',
    edits: [
      edit('reduce.ts', 'activeTurn ? Math.min(activeTurn.first_seq - 1, lastSeq) : lastSeq', 'lastSeq'),
    ],
    fails: ['resume-first-sight'],
    passes: ['resume-start-twice'],
  },
  {
    name: 'gap-not-read',
    breaks: 'after a gap the transcript is read',
    edits: [
      edit(
        'reduce.ts',
        "history: { status: 'unloaded', more: false } }, frame.available_from",
        "history: { status: 'loaded', more: false } }, frame.available_from",
      ),
    ],
    fails: ['resume-expired-events'],
    passes: ['resume-first-sight'],
  },
];
